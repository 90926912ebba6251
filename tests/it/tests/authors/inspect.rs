//! `plugin inspect`: it describes any file, whether or not it is a plugin.

use scanhost_it::guests::{LIAR, MOCK, NESSUS, PROFILE};
use serde_json::{Value, json};

use crate::plugin_file::{CORE_MODULE, EMPTY, PluginFile};

fn inspect(bytes: &[u8]) -> Value {
    PluginFile::new(bytes).run_json("inspect")
}

#[test]
fn inspect_shows_world_grants_and_description_of_a_backend() {
    let found = inspect(NESSUS);
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
fn mock_needs_no_grants() {
    assert_eq!(inspect(MOCK)["grants"], json!([]));
}

#[test]
fn inspect_describes_a_profile_with_an_empty_definition() {
    let found = inspect(PROFILE);
    assert_eq!((&found["kind"], &found["world"]), (&json!("profile"), &json!("scanhost:profile@0.1.0")), "{found}");
    assert!(found["describe"].is_object() || found["problem"].is_string(), "{found}");
}

#[test]
fn inspect_says_what_a_file_is_that_is_not_a_plugin() {
    for (bytes, expected) in [
        (CORE_MODULE, "core module"),
        (EMPTY, "exports nothing"),
        (b"#!/bin/sh\n", "a script"),
        (b"", "an empty file"),
        (b"(component)", "WebAssembly as text"),
        (&MOCK[..MOCK.len() / 2], "damaged"),
        (LIAR, "malformed backend name"),
    ] {
        let found = inspect(bytes);
        let problem = found["problem"].as_str().unwrap_or_default();
        assert!(problem.contains(expected), "{found}");
        assert!(found["hint"].is_string(), "{found}");
    }
}

#[test]
fn inspect_prints_one_fact_per_line() {
    let shown = PluginFile::new(MOCK).run("inspect", &[]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for line in ["kind: backend", "world: scanhost:backend@0.1.0", "grants: none", "  name: mock"] {
        assert!(shown.stdout.lines().any(|found| found == line), "{line}: {}", shown.stdout);
    }
}

#[test]
fn missing_file_is_an_error() {
    let plugin_file = PluginFile::new(MOCK);
    std::fs::remove_file(&plugin_file.file).expect("a file can be removed");
    let shown = plugin_file.run("inspect", &[]);
    assert_eq!(shown.code, Some(1));
    assert!(shown.stderr.contains("plugin.wasm"), "{}", shown.stderr);
}
