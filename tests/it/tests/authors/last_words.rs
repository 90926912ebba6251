//! What a component wrote to its standard error before it crashed is shown to its author, whatever the command.

use std::fs;

use scanhost_it::{guests::GRUMBLE, output::Output, program::workspace};

use crate::{component::Shelf, kit::with_fault};

fn script() -> String {
    workspace().join("tests/guests/lab.script.yaml").to_str().expect("a path of text").to_owned()
}

#[test]
fn the_kit_shows_them_below_the_case() {
    let shelf = Shelf::with(&with_fault("fragile"));
    let options = ["--script", &script(), "--only", "refuses-html"];
    let output = shelf.ask("test", &options);
    assert!(output.stdout.contains("`status` wrote to its standard error") || output.stdout.contains("`health` wrote"));
    assert!(output.stdout.contains("this is no JSON"), "{}", output.stdout);
    let answer: serde_json::Value =
        serde_json::from_str(&shelf.ask("test", &[&options[..], &["--json"]].concat()).stdout).expect("it prints JSON");
    let words = answer["cases"][0]["stderr"].as_str().unwrap_or_default();
    assert!(words.contains("this is no JSON"), "{answer:#}");
}

#[test]
fn what_would_act_on_a_terminal_is_spelled_out() {
    let output = Shelf::with(GRUMBLE).ask("test", &["--only", "refuses-html", "--cpu-ms", "100"]);
    assert!(output.stdout.contains("\\u{1b}[31mand another thing"), "{}", output.stdout);
    assert!(!output.stdout.contains('\u{1b}'));
}

#[test]
fn a_crash_in_describe_is_explained_wherever_it_is_loaded() {
    let shelf = Shelf::with(&with_fault("speechless"));
    for verb in ["test", "check", "inspect"] {
        let output = shelf.ask(verb, &[]);
        assert!(output.stderr.contains("it has no words"), "{verb}: {output:?}");
    }
}

#[test]
fn a_crash_over_a_report_is_explained() {
    let shelf = Shelf::with(&with_fault("brittle"));
    shelf.home.write("scanhost.yaml", "plugins: {lab: {file: plugin.wasm, grants: [http]}}");
    let report = shelf.home.path().join("report.csv");
    fs::write(&report, "boom").expect("a file can be written");
    let mut command = shelf.home.command(&["report", "--backend", "lab", "--config"]);
    command.arg(shelf.home.config()).arg(&report).env("XDG_CACHE_HOME", scanhost_it::program::compiled_plugins());
    let output = Output::of(command);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("`parse` wrote") && output.stderr.contains("this goes boom"), "{}", output.stderr);
}
