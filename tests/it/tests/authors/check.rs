//! `plugin check`: what passes is loaded, what fails says why and what to do.

use scanhost_it::guests::{LIAR, MOCK, NESSUS, NOSY, PROFILE};

use crate::component::{CORE_MODULE, EMPTY, Shelf};

fn check_refused(bytes: &[u8], reason: &str, hint: &str) {
    let shelf = Shelf::with(bytes);
    let output = shelf.ask("check", &[]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains(reason) && output.stderr.contains(hint), "{}", output.stderr);
    let answer = shelf.ask_json("check");
    assert_eq!(answer["ok"], false);
    assert!(answer["error"]["message"].as_str().is_some_and(|message| message.contains(reason)), "{answer}");
}

#[test]
fn what_cannot_be_loaded_is_refused_with_a_way_out() {
    check_refused(CORE_MODULE, "core module", "wasm32-wasip2");
    check_refused(EMPTY, "exports nothing", "scanhost:backend/scanner");
    check_refused(LIAR, "malformed backend name", "author");
    let contract = Shelf::with(LIAR).ask("check", &[]);
    assert!(!contract.stderr.contains("limits"), "no limit was reached: {}", contract.stderr);
}

#[test]
fn what_was_built_for_another_version_is_refused_with_both() {
    let bytes = replaced(MOCK, b"scanhost:backend/scanner@0.1.0", b"scanhost:backend/scanner@0.9.0");
    check_refused(&bytes, "scanhost:backend@0.9.0", "scanhost plugin new");
    check_refused(&bytes, "this host takes scanhost:backend@0.1.0", "scanhost plugin new");
}

#[test]
fn what_passes_is_told_with_its_entry_and_loads_by_it() {
    for (bytes, name) in [(NESSUS, "nessus"), (NOSY, "nosy"), (MOCK, "mock"), (PROFILE, "plugin")] {
        let shelf = Shelf::with(bytes);
        let output = shelf.ask("check", &[]);
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(output.stdout.starts_with(&format!("ok: {name} ")), "{}", output.stdout);
        let (_, entry) = output.stdout.split_once("plugins:\n").expect("it prints the entry");
        let digest = scanhost_it::lab::sha256(bytes);
        assert!(entry.contains(&format!("\n    # sha256: {digest} pins this file")), "it pins nothing: {entry}");
        shelf.home.write("scanhost.yaml", &format!("plugins:\n{entry}"));
        let mut load = shelf.home.command(&["config", "check", "--config"]);
        load.arg(shelf.home.config()).env("XDG_CACHE_HOME", scanhost_it::program::compiled_plugins());
        let loaded = scanhost_it::output::Output::of(load);
        assert_eq!(loaded.code, Some(0), "{name}: {}", loaded.stderr);
    }
}

#[test]
fn with_a_configuration_its_grants_and_its_digest_count() {
    let shelf = Shelf::with(NOSY);
    let config = shelf.home.config().to_str().expect("the path is text").to_owned();
    let refusal = |entry: &str| {
        shelf.home.write("scanhost.yaml", &format!("plugins: {entry}\n"));
        let output = shelf.ask("check", &["--config", &config]);
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

/// The bytes with every occurrence exchanged for another of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}
