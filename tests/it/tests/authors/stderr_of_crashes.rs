//! Every command shows what a component wrote to its standard error before it crashed.

use std::fs;

use scanhost_it::{guests::GRUMBLE, output::Output, program::workspace};

use crate::{conformance_kit::with_fault, plugin_file::PluginFile};

fn script() -> String {
    workspace().join("tests/guests/lab.script.yaml").to_str().expect("a path of text").to_owned()
}

#[test]
fn kit_shows_stderr_below_the_case() {
    let plugin_file = PluginFile::new(&with_fault("fragile"));
    let options = ["--script", &script(), "--only", "refuses-html"];
    let output = plugin_file.run("test", &options);
    assert!(output.stdout.contains("`status` wrote to its standard error") || output.stdout.contains("`health` wrote"));
    assert!(output.stdout.contains("this is no JSON"), "{}", output.stdout);
    let answer: serde_json::Value =
        serde_json::from_str(&plugin_file.run("test", &[&options[..], &["--json"]].concat()).stdout)
            .expect("it prints JSON");
    let words = answer["cases"][0]["stderr"].as_str().unwrap_or_default();
    assert!(words.contains("this is no JSON"), "{answer:#}");
}

#[test]
fn control_characters_in_stderr_are_escaped() {
    let output = PluginFile::new(GRUMBLE).run("test", &["--only", "refuses-html", "--cpu-ms", "100"]);
    assert!(output.stdout.contains("\\u{1b}[31mand another thing"), "{}", output.stdout);
    assert!(!output.stdout.contains('\u{1b}'));
}

#[test]
fn every_command_shows_stderr_of_a_crash_in_describe() {
    let plugin_file = PluginFile::new(&with_fault("speechless"));
    for verb in ["test", "check", "inspect"] {
        let output = plugin_file.run(verb, &[]);
        assert!(output.stderr.contains("it has no words"), "{verb}: {output:?}");
    }
}

#[test]
fn report_command_shows_stderr_of_a_crash_in_parse() {
    let plugin_file = PluginFile::new(&with_fault("brittle"));
    plugin_file.home.write("scanhost.yaml", "plugins: {lab: {file: plugin.wasm, grants: [http]}}");
    let report = plugin_file.home.path().join("report.csv");
    fs::write(&report, "boom").expect("a file can be written");
    let mut command = plugin_file.home.command(&["report", "--backend", "lab", "--config"]);
    command.arg(plugin_file.home.config()).arg(&report).env("XDG_CACHE_HOME", scanhost_it::program::compiled_plugins());
    let output = Output::run(command);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("`parse` wrote") && output.stderr.contains("this goes boom"), "{}", output.stderr);
}
