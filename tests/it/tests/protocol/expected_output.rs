//! The expected tool list as agents see it, one file per tool, so that every change of a description or a schema is
//! reviewed. `just expected-output` updates the files: read the diff. It runs this test with `UPDATE_EXPECTED=1`.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use scanhost_it::program::workspace;
use serde_json::Value;

use crate::TestHost;

fn folder() -> PathBuf {
    workspace().join("tests/it/tests/protocol/tools")
}

#[tokio::test]
async fn tool_list_equals_the_expected_output() {
    let host = TestHost::with_settings("confirm_privileged: true\n");
    let tools = host.mcp.list_tools().await;
    assert_eq!(tools, host.mcp.list_tools().await, "the list is the same every time");
    if env::var_os("UPDATE_EXPECTED").is_some() {
        fs::create_dir_all(folder()).expect("a folder can be made");
        for tool in &tools {
            fs::write(expected_file(tool), expected_text(tool)).expect("a file can be written");
        }
    }
    let listed: BTreeSet<PathBuf> = tools.iter().map(expected_file).collect();
    let written = fs::read_dir(folder()).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    assert_eq!(written.collect::<BTreeSet<_>>(), listed, "there is one file for every tool");
    for tool in &tools {
        let written = fs::read_to_string(expected_file(tool)).expect("the file can be read");
        assert_eq!(
            expected_text(tool),
            written,
            "{} has changed: run with UPDATE_EXPECTED=1 to accept the change",
            tool["name"]
        );
    }
}

fn expected_file(tool: &Value) -> PathBuf {
    folder().join(format!("{}.json", tool["name"].as_str().expect("a tool has a name")))
}

fn expected_text(tool: &Value) -> String {
    serde_json::to_string_pretty(tool).expect("a value is JSON") + "\n"
}
