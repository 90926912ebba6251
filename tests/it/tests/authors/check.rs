//! `plugin check`: a component that passes can be loaded, and one that fails gets a reason and a hint.

use scanhost_it::guests::{LIAR, MOCK, NESSUS, NOSY, PROFILE};

use crate::plugin_file::{CORE_MODULE, EMPTY, PluginFile};

fn check_refused(bytes: &[u8], reason: &str, hint: &str) {
    let plugin_file = PluginFile::new(bytes);
    let output = plugin_file.run("check", &[]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains(reason) && output.stderr.contains(hint), "{}", output.stderr);
    let answer = plugin_file.run_json("check");
    assert_eq!(answer["ok"], false);
    assert!(answer["error"]["message"].as_str().is_some_and(|message| message.contains(reason)), "{answer}");
}

#[test]
fn unloadable_component_is_refused_with_a_hint() {
    check_refused(CORE_MODULE, "core module", "wasm32-wasip2");
    check_refused(EMPTY, "exports nothing", "scanhost:backend/scanner");
    check_refused(LIAR, "malformed backend name", "author");
    let contract = PluginFile::new(LIAR).run("check", &[]);
    assert!(
        !contract.stderr.contains("limits"),
        "the error suggests a limit, but none was reached: {}",
        contract.stderr
    );
}

#[test]
fn component_of_another_world_version_is_refused_with_both_versions() {
    let bytes = replace_bytes(MOCK, b"scanhost:backend/scanner@0.1.0", b"scanhost:backend/scanner@0.9.0");
    check_refused(&bytes, "scanhost:backend@0.9.0", "scanhost plugin new");
    check_refused(&bytes, "this host supports scanhost:backend@0.1.0", "scanhost plugin new");
}

#[test]
fn check_prints_an_entry_with_which_the_plugin_loads() {
    for (bytes, name) in [(NESSUS, "nessus"), (NOSY, "nosy"), (MOCK, "mock"), (PROFILE, "plugin")] {
        let plugin_file = PluginFile::new(bytes);
        let output = plugin_file.run("check", &[]);
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(output.stdout.starts_with(&format!("ok: {name} ")), "{}", output.stdout);
        let (_, entry) = output.stdout.split_once("plugins:\n").expect("it prints the entry");
        let digest = scanhost_it::testbed::sha256_hex(bytes);
        assert!(
            entry.contains(&format!("\n    # sha256: {digest} pins this file")),
            "the entry has no digest: {entry}"
        );
        plugin_file.home.write("scanhost.yaml", &format!("plugins:\n{entry}"));
        let mut load = plugin_file.home.command(&["config", "check", "--config"]);
        load.arg(plugin_file.home.config()).env("XDG_CACHE_HOME", scanhost_it::program::compiled_plugins());
        let loaded = scanhost_it::output::Output::run(load);
        assert_eq!(loaded.code, Some(0), "{name}: {}", loaded.stderr);
    }
}

#[test]
fn check_with_a_configuration_applies_its_grants_and_digest() {
    let plugin_file = PluginFile::new(NOSY);
    let config = plugin_file.home.config().to_str().expect("the path is text").to_owned();
    let refusal = |entry: &str| {
        plugin_file.home.write("scanhost.yaml", &format!("plugins: {entry}\n"));
        let output = plugin_file.run("check", &["--config", &config]);
        assert_eq!(output.code, Some(1), "{entry}: {output:?}");
        output.stderr
    };
    assert!(refusal("{nosy: {file: plugin.wasm}}").contains("grants: [http]"));
    assert!(refusal("{nosy: {file: plugin.wasm, grants: [htp]}}").contains("grants are http, command, std-stubs"));
    assert!(refusal("{other: {file: plugin.wasm, grants: [http]}}").contains("describes itself as `nosy`"));
    assert!(refusal("{nosy: {file: elsewhere.wasm}}").contains("no entry under `plugins`"));
    let zeros = "0".repeat(64);
    assert!(refusal(&format!("{{nosy: {{file: plugin.wasm, sha256: \"{zeros}\"}}}}")).contains("sha256"));
}

/// Replaces every occurrence of `from` with `to`, which has the same length.
fn replace_bytes(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}
