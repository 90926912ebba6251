//! `stdio`: MCP over standard input and output, and nothing else on standard output.

use scanhost_it::{server::Home, stdio_client::StdioClient};
use serde_json::{Value, json};

use crate::MOCK;

fn start(home: &Home) -> StdioClient {
    let mut command = home.command(&["stdio", "--config"]);
    command.arg(home.config());
    StdioClient::start(command)
}

fn home() -> Home {
    Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")])
}

/// The metadata that a request of protocol 2026-07-28 has.
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
fn client_of_2025_initializes_and_scans() {
    let home = home();
    let mut client = start(&home);
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
    });
    let answer = client.request(&request(1, "initialize", hello));
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
    assert_eq!(answer["result"]["serverInfo"]["name"], "scanhost");
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    let listed = client.request(&request(2, "tools/list", json!({})));
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(18), "{listed}");
    let scan = json!({ "name": "run_untrusted_scan", "arguments": { "targets": "10.0.0.1", "name": "over stdio" } });
    let submitted = client.request(&request(3, "tools/call", scan));
    let id = submitted["result"]["structuredContent"]["task_id"].clone();
    assert!(id.is_string(), "{submitted}");
    let wait = json!({ "name": "wait_for_scan", "arguments": { "task_id": id, "timeout_seconds": 50 } });
    let waited = client.request(&request(4, "tools/call", wait));
    assert_eq!(waited["result"]["structuredContent"]["status"], "completed", "{waited}");
    let results = json!({ "name": "get_scan_results", "arguments": { "task_id": id } });
    let results = client.request(&request(5, "tools/call", results));
    let text = results["result"]["content"][0]["text"].as_str().expect("text");
    assert_eq!(text.lines().count(), 2 + 20 + 1);
    assert_eq!(client.close(), (Some(0), vec![]), "the program ends with its client, and prints nothing more");
}

#[test]
fn client_of_2026_needs_no_handshake() {
    let home = home();
    let mut client = start(&home);
    let meta = meta();
    let listed = client.request(&request(1, "tools/list", json!({ "_meta": meta })));
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(18), "{listed}");
    let call = json!({ "name": "list_pools", "arguments": {}, "_meta": meta });
    let called = client.request(&request(2, "tools/call", call));
    assert_eq!(called["result"]["structuredContent"]["default_pool"], "mock", "{called}");
    assert_eq!(client.close().0, Some(0));
}

#[test]
fn client_that_disconnects_at_once_is_no_failure() {
    let home = home();
    let (code, lines) = start(&home).close();
    assert_eq!((code, lines), (Some(0), vec![]));
}

#[test]
fn client_that_does_not_speak_mcp_gets_an_error_that_quotes_nothing() {
    let home = home();
    let not_a_request =
        json!({ "jsonrpc": "2.0", "method": "notifications/x", "params": { "ssh_password": "hunter2" } });
    let check_refused = |mut client: StdioClient| {
        client.send(&not_a_request);
        let (code, errors) = client.wait_for_exit();
        assert_eq!(code, Some(1));
        assert!(errors.contains("does not speak MCP: its first message is not a request"), "{errors}");
        assert!(!errors.contains("hunter2"), "{errors}");
    };
    check_refused(start(&home));
    let mut first = start(&home);
    assert!(first.request(&request(1, "ping", json!({ "_meta": meta() }))).get("result").is_some());
    check_refused(start(&home));
    assert_eq!(first.close().0, Some(0));
}

#[test]
fn second_process_reports_that_the_first_has_ended() {
    let home = home();
    let mut first = start(&home);
    let ping = |id| request(id, "ping", json!({ "_meta": meta() }));
    assert!(first.request(&ping(1)).get("result").is_some());
    let mut second = start(&home);
    assert!(second.request(&ping(1)).get("result").is_some(), "the second process works through the first");
    assert_eq!(first.close().0, Some(0));
    let (code, errors) = second.wait_for_exit();
    assert_eq!(code, Some(1));
    assert!(errors.contains("connected to has ended: start this one again"), "{errors}");
    // A process that is started again works.
    assert!(start(&home).request(&ping(1)).get("result").is_some());
}
