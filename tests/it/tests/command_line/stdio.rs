//! `stdio`: MCP over the pipe, and nothing else on it.

use scanhost_it::{pipe::Pipe, server::Home};
use serde_json::{Value, json};

use crate::MOCK;

fn open(home: &Home) -> Pipe {
    let mut command = home.command(&["stdio", "--config"]);
    command.arg(home.config());
    Pipe::open(command)
}

fn home() -> Home {
    Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")])
}

/// What a request of 2026 says of its client.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

fn request(id: u32, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

#[test]
fn a_client_of_2025_shakes_hands_and_scans() {
    let home = home();
    let mut pipe = open(&home);
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
    });
    let answer = pipe.ask(&request(1, "initialize", hello));
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
    assert_eq!(answer["result"]["serverInfo"]["name"], "scanhost");
    pipe.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    let listed = pipe.ask(&request(2, "tools/list", json!({})));
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(18), "{listed}");
    let scan = json!({ "name": "run_untrusted_scan", "arguments": { "targets": "10.0.0.1", "name": "over stdio" } });
    let submitted = pipe.ask(&request(3, "tools/call", scan));
    let id = submitted["result"]["structuredContent"]["task_id"].clone();
    assert!(id.is_string(), "{submitted}");
    let wait = json!({ "name": "wait_for_scan", "arguments": { "task_id": id, "timeout_seconds": 50 } });
    let waited = pipe.ask(&request(4, "tools/call", wait));
    assert_eq!(waited["result"]["structuredContent"]["status"], "completed", "{waited}");
    let results = json!({ "name": "get_scan_results", "arguments": { "task_id": id } });
    let results = pipe.ask(&request(5, "tools/call", results));
    let text = results["result"]["content"][0]["text"].as_str().expect("text");
    assert_eq!(text.lines().count(), 2 + 20 + 1);
    assert_eq!(pipe.close(), (Some(0), vec![]), "it ends with its client, and says nothing more");
}

#[test]
fn a_client_of_2026_needs_no_handshake() {
    let home = home();
    let mut pipe = open(&home);
    let meta = meta();
    let listed = pipe.ask(&request(1, "tools/list", json!({ "_meta": meta })));
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(18), "{listed}");
    let call = json!({ "name": "list_pools", "arguments": {}, "_meta": meta });
    let called = pipe.ask(&request(2, "tools/call", call));
    assert_eq!(called["result"]["structuredContent"]["default_pool"], "mock", "{called}");
    assert_eq!(pipe.close().0, Some(0));
}

#[test]
fn a_client_that_goes_at_once_is_no_failure() {
    let home = home();
    let (code, lines) = open(&home).close();
    assert_eq!((code, lines), (Some(0), vec![]));
}

#[test]
fn a_client_that_speaks_otherwise_is_told_so_without_what_it_said() {
    let home = home();
    let strange = json!({ "jsonrpc": "2.0", "method": "notifications/x", "params": { "ssh_password": "hunter2" } });
    let told = |mut pipe: Pipe| {
        pipe.send(&strange);
        let (code, errors) = pipe.ended();
        assert_eq!(code, Some(1));
        assert!(errors.contains("does not speak MCP: its first message is no request"), "{errors}");
        assert!(!errors.contains("hunter2"), "{errors}");
    };
    told(open(&home));
    let mut first = open(&home);
    assert!(first.ask(&request(1, "ping", json!({ "_meta": meta() }))).get("result").is_some());
    told(open(&home));
    assert_eq!(first.close().0, Some(0));
}

#[test]
fn a_second_one_says_that_the_first_has_ended() {
    let home = home();
    let mut first = open(&home);
    let ping = |id| request(id, "ping", json!({ "_meta": meta() }));
    assert!(first.ask(&ping(1)).get("result").is_some());
    let mut second = open(&home);
    assert!(second.ask(&ping(1)).get("result").is_some(), "it works through the first");
    assert_eq!(first.close().0, Some(0));
    let (code, errors) = second.ended();
    assert_eq!(code, Some(1));
    assert!(errors.contains("worked through has ended: start it again"), "{errors}");
    // Which works.
    assert!(open(&home).ask(&ping(1)).get("result").is_some());
}
