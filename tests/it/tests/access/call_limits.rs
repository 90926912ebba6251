//! Limits on the calls of each caller.

use scanhost_it::{
    event_stream::EventStream,
    http_response::{HttpResponse, tool_outcome},
    scans::scan_arguments,
    server::{Home, Server},
};
use serde_json::{Value, json};

const SCANNERS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 600}}]";

const TOKENS: &str = "tokens:\n- {name: a, scopes: ['scan:read', 'scan:submit'], token: token-of-a}\n\
                      - {name: b, scopes: ['scan:read'], token: token-of-b}\n";

fn start(limits: &str) -> (Home, Server) {
    let yaml = format!("{TOKENS}limits: {{{limits}}}\n");
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &yaml)]);
    let server = home.start();
    (home, server)
}

/// Calls a tool, and returns the HTTP code, the value of `Retry-After`, and the outcome of the call.
async fn call(server: &Server, token: &str) -> (u16, Option<u64>, Result<Value, Value>) {
    let call = json!({ "name": "list_pools", "arguments": {} });
    let response = server.mcp().with_token(token).request("tools/call", call).send().await.expect("an answer");
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().expect("text").parse());
    let answer = HttpResponse { code: response.status().as_u16(), body: response.text().await.expect("text") };
    (answer.code, retry_after.map(|seconds| seconds.expect("seconds")), tool_outcome(&answer))
}

#[tokio::test]
async fn call_over_the_rate_limit_is_refused_with_retry_after() {
    let (_home, server) = start("calls_per_minute: 3");
    for _ in 0..3 {
        let (code, retry_after, outcome) = call(&server, "token-of-a").await;
        assert_eq!((code, retry_after, outcome.is_ok()), (200, None, true));
    }
    let (code, retry_after, outcome) = call(&server, "token-of-a").await;
    let refusal = outcome.expect_err("the fourth call");
    assert_eq!((code, &refusal["code"]), (200, &json!("rate_limited")), "{refusal}");
    let seconds = retry_after.expect("the header Retry-After");
    assert!((1..=21).contains(&seconds), "{seconds}");
    assert!(refusal["message"].as_str().is_some_and(|text| text.contains("3 calls a minute")), "{refusal}");
    assert!(refusal["hint"].as_str().is_some_and(|hint| hint.contains(&format!("{seconds} s"))), "{refusal}");
    assert!(call(&server, "token-of-b").await.2.is_ok(), "another caller has its own limit");
}

#[tokio::test]
async fn callers_share_one_limit_where_no_tokens_are_configured() {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", "limits: {calls_per_minute: 2}\n")]);
    let server = home.start();
    let mut outcomes = Vec::new();
    for token in ["one", "another", "a-third"] {
        outcomes.push(call(&server, token).await.2.is_ok());
    }
    assert_eq!(outcomes, [true, true, false]);
}

#[tokio::test]
async fn http_requests_far_over_the_limit_get_429() {
    let (_home, server) = start("calls_per_minute: 1");
    let http = server.mcp().http().clone();
    let mut codes = Vec::new();
    for _ in 0..12 {
        let metrics = http.get(format!("{}/metrics", server.url())).bearer_auth("token-of-b").send().await;
        let metrics = metrics.expect("an answer");
        let has_header = metrics.headers().contains_key("retry-after");
        codes.push((metrics.status().as_u16(), has_header));
    }
    assert_eq!(codes[..10], [(200, false); 10]);
    assert_eq!(codes[10..], [(429, true); 2]);
}

#[tokio::test]
async fn concurrent_calls_are_bounded_and_slots_are_freed() {
    let (_home, server) = start("concurrent_calls: 2");
    let mcp = server.mcp().with_token("token-of-a");
    let task_id = mcp.call_ok("run_untrusted_scan", scan_arguments(json!({}))).await["task_id"].clone();
    let arguments = json!({ "task_id": task_id, "timeout_seconds": 600 });
    let wait = json!({ "name": "wait_for_scan", "arguments": arguments });
    let mut waits = Vec::new();
    for _ in 0..2 {
        let request = mcp.request_with_metadata("tools/call", wait.clone(), json!({ "progressToken": "p" }));
        let mut events = EventStream::open(request).await;
        events.wait_for(|message| message["method"] == "notifications/progress").await;
        waits.push(events);
    }
    let (code, retry_after, outcome) = call(&server, "token-of-a").await;
    let refusal = outcome.expect_err("the third call");
    assert_eq!((code, &refusal["code"]), (200, &json!("rate_limited")), "{refusal}");
    assert!(retry_after.is_some(), "the header Retry-After");
    assert!(refusal["message"].as_str().is_some_and(|text| text.contains("2 calls at once")), "{refusal}");
    drop(waits);
    let start = std::time::Instant::now();
    while call(&server, "token-of-a").await.2.is_err() {
        assert!(start.elapsed().as_secs() < 20, "the slots of ended calls are not free again");
    }
}
