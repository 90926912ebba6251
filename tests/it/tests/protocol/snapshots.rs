//! The list of tools as agents see it, one file a tool. A change of a description or a schema is a change of the file,
//! and so is read before it is accepted: run with `UPDATE_SNAPSHOTS=1`, and look at what git shows.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use scanhost_it::program::workspace;
use serde_json::Value;

use crate::Desk;

fn folder() -> PathBuf {
    workspace().join("tests/it/tests/protocol/tools")
}

#[tokio::test]
async fn tools_are_listed_as_written_down() {
    let desk = Desk::with("confirm_privileged: true\n");
    let tools = desk.mcp.tools().await;
    assert_eq!(tools, desk.mcp.tools().await, "the same list every time");
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(folder()).expect("a folder can be made");
        for tool in &tools {
            fs::write(file(tool), text(tool)).expect("a file can be written");
        }
    }
    let listed: BTreeSet<PathBuf> = tools.iter().map(file).collect();
    let written = fs::read_dir(folder()).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    assert_eq!(written.collect::<BTreeSet<_>>(), listed, "one file for every tool");
    for tool in &tools {
        let written = fs::read_to_string(file(tool)).expect("the file can be read");
        assert_eq!(text(tool), written, "{} has changed: see above how to accept that", tool["name"]);
    }
}

fn file(tool: &Value) -> PathBuf {
    folder().join(format!("{}.json", tool["name"].as_str().expect("a tool has a name")))
}

fn text(tool: &Value) -> String {
    serde_json::to_string_pretty(tool).expect("a value is JSON") + "\n"
}
