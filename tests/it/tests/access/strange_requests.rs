//! Requests that are no MCP get an answer that says so, and never break anything.

use scanhost_it::{raw::Answer, server::Home};
use serde_json::json;

const SCANNERS: &str = "mock: [{instance_id: m1}]";
const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_body_of_five_megabytes_is_too_large() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let server = home.start();
    let mcp = server.mcp();
    let call = |size: usize| {
        mcp.request("tools/call", json!({ "name": "get_scan_status", "arguments": { "task_id": "x".repeat(size) } }))
    };
    assert_eq!(Answer::to(call(5 * MIB)).await.code, 413);
    let answer = Answer::to(call(2 * MIB)).await;
    assert_eq!(answer.code, 200, "{:.300}", answer.body);
    assert_eq!(answer.message()["result"]["isError"], true);
}

#[tokio::test]
async fn the_size_of_a_body_is_configurable() {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", "limits: {request_bytes: 2048}\n")]);
    let server = home.start();
    let mcp = server.mcp();
    let call = |size: usize| {
        mcp.request("tools/call", json!({ "name": "get_scan_status", "arguments": { "task_id": "x".repeat(size) } }))
    };
    assert_eq!(Answer::to(call(10)).await.code, 200);
    assert_eq!(Answer::to(call(4_096)).await.code, 413);
}

#[tokio::test]
async fn what_is_no_mcp_is_the_clients_mistake() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    let server = home.start();
    let mcp = server.mcp();
    let url = format!("{}/mcp", server.url());
    let http = mcp.http();
    let post = |body: &str| {
        http.post(&url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(body.to_owned())
    };
    let valid = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    let requests = [
        ("get without a session", http.get(&url).header("accept", "text/event-stream")),
        ("get of anything", http.get(&url)),
        ("delete without a session", http.delete(&url)),
        ("put", http.put(&url).body(valid)),
        ("an empty body", post("")),
        ("malformed JSON", post("{\"jsonrpc\": \"2.0\", ")),
        ("no object", post("3")),
        ("no JSON-RPC", post("{\"hello\": true}")),
        ("bytes", post("\u{0}\u{1}\u{2}")),
        ("deep nesting", post(&"[".repeat(100_000))),
        (
            "another content type",
            http.post(&url)
                .header("accept", "application/json, text/event-stream")
                .header("content-type", "text/plain")
                .body(valid),
        ),
        (
            "accepts neither",
            http.post(&url).header("accept", "text/html").header("content-type", "application/json").body(valid),
        ),
        ("an unknown session", post(valid).header("mcp-session-id", "nosuch")),
        ("an unknown protocol", post(valid).header("mcp-protocol-version", "1999-01-01")),
        ("an unknown path", http.get(format!("{}/nosuch", server.url()))),
        ("a path upwards", http.get(format!("{}/mcp/..%2f..%2fetc/passwd", server.url()))),
    ];
    for (what, request) in requests {
        let answer = Answer::to(request).await;
        assert!((400..500).contains(&answer.code), "{what}: {} {:.300}", answer.code, answer.body);
    }
    // Ending a session that is not there changes nothing, which is no mistake.
    let ended = Answer::to(http.delete(&url).header("mcp-session-id", "nosuch")).await;
    assert!((200..500).contains(&ended.code), "{}", ended.code);
    assert_eq!(mcp.tools().await.len(), 18, "it goes on serving");
}
