//! Both protocol versions over HTTP: 2025-11-25 with a handshake and a session, and 2026-07-28 without them.

use scanhost_it::{http_response::HttpResponse, server::Home};
use serde_json::{Value, json};

#[tokio::test]
async fn client_of_2025_initializes_and_has_a_session() {
    let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: m1}]")]);
    let server = home.start();
    let http = server.mcp().http().clone();
    let post = |message: Value| {
        http.post(format!("{}/mcp", server.url()))
            .header("accept", "application/json, text/event-stream")
            .json(&message)
    };
    let hello = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } },
    });
    let response = post(hello).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let session = response.headers().get("mcp-session-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let body = response.text().await.expect("text");
    let answer = HttpResponse { code: 200, body }.message();
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
    assert_eq!(answer["result"]["serverInfo"]["name"], "scanhost");
    assert!(answer["result"]["instructions"].as_str().is_some_and(|text| !text.is_empty()));
    let in_session = |message: Value| {
        let request = post(message).header("mcp-protocol-version", "2025-11-25");
        match &session {
            Some(session) => request.header("mcp-session-id", session),
            None => request,
        }
    };
    let ready = HttpResponse::to(in_session(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))).await;
    assert_eq!(ready.code, 202, "{}", ready.body);
    let listed =
        HttpResponse::to(in_session(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }))).await.message();
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(18), "{listed}");
    let call = json!({ "name": "list_pools", "arguments": {} });
    let called = in_session(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call }));
    let called = HttpResponse::to(called).await.message();
    assert_eq!(called["result"]["structuredContent"]["default_pool"], "mock", "{called}");
}

#[tokio::test]
async fn client_of_2026_needs_no_handshake_or_session() {
    let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: m1}]")]);
    let server = home.start();
    let discovered = server.mcp().call_method("server/discover", json!({})).await.expect("the server describes itself");
    let versions = discovered["supportedVersions"].as_array().expect("a list");
    for version in ["2025-11-25", "2026-07-28"] {
        assert!(versions.contains(&json!(version)), "{discovered}");
    }
    assert_eq!(server.mcp().list_tools().await.len(), 18);
}
