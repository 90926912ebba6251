//! `plugin inspect`: what a file is, whatever it is.

use scanhost_it::guests::{LIAR, MOCK, NESSUS, PROFILE};
use serde_json::{Value, json};

use crate::component::{CORE_MODULE, EMPTY, Shelf};

fn inspected(bytes: &[u8]) -> Value {
    Shelf::with(bytes).ask_json("inspect")
}

#[test]
fn a_backend_is_shown_with_its_world_its_requests_and_its_description() {
    let found = inspected(NESSUS);
    assert_eq!(found["kind"], "backend", "{found}");
    assert_eq!(found["world"], "scanhost:backend@0.1.0");
    assert_eq!(found["grants"], json!(["http"]));
    assert_eq!(found["size"], NESSUS.len());
    assert_eq!(found["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(found["describe"]["name"], "nessus");
    assert_eq!(found["describe"]["report_extension"], "nessus");
    assert!(found["imports"].as_array().is_some_and(|names| names.contains(&json!("scanhost:backend/http@0.1.0"))));
    assert!(found["problem"].is_null(), "{found}");
}

#[test]
fn what_needs_no_grant_asks_for_none() {
    assert_eq!(inspected(MOCK)["grants"], json!([]));
}

#[test]
fn a_profile_is_shown_under_an_empty_definition() {
    let found = inspected(PROFILE);
    assert_eq!((&found["kind"], &found["world"]), (&json!("profile"), &json!("scanhost:profile@0.1.0")), "{found}");
    assert!(found["describe"].is_object() || found["problem"].is_string(), "{found}");
}

#[test]
fn what_is_no_plugin_of_ours_is_told_for_what_it_is() {
    for (bytes, expected) in [
        (CORE_MODULE, "core module"),
        (EMPTY, "exports nothing"),
        (b"#!/bin/sh\n", "a script"),
        (b"", "an empty file"),
        (b"(component)", "WebAssembly as text"),
        (&MOCK[..MOCK.len() / 2], "damaged"),
        (LIAR, "malformed backend name"),
    ] {
        let found = inspected(bytes);
        let problem = found["problem"].as_str().unwrap_or_default();
        assert!(problem.contains(expected), "{found}");
        assert!(found["hint"].is_string(), "{found}");
    }
}

#[test]
fn for_people_it_is_one_fact_a_line() {
    let shown = Shelf::with(MOCK).ask("inspect", &[]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for line in ["kind: backend", "world: scanhost:backend@0.1.0", "grants: none", "  name: mock"] {
        assert!(shown.stdout.lines().any(|found| found == line), "{line}: {}", shown.stdout);
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let shelf = Shelf::with(MOCK);
    std::fs::remove_file(&shelf.file).expect("a file can be removed");
    let shown = shelf.ask("inspect", &[]);
    assert_eq!(shown.code, Some(1));
    assert!(shown.stderr.contains("plugin.wasm"), "{}", shown.stderr);
}
