//! `wait_for_scan` while it waits: its progress, its end, and other clients meanwhile.

use std::time::{Duration, Instant};

use scanhost_it::{
    event_stream::EventStream,
    mcp::McpClient,
    scans::{submit, wait_for_status},
    session::Session,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::TestHost;

/// A part of the log line at the end of a wait whose client has gone.
const GIVEN_UP: &str = "nobody waits for the scan any more";

fn wait_request(mcp: &McpClient, task_id: &str, seconds: u32) -> reqwest::RequestBuilder {
    let arguments = json!({ "task_id": task_id, "timeout_seconds": seconds });
    let params = json!({ "name": "wait_for_scan", "arguments": arguments });
    mcp.request_with_metadata("tools/call", params, json!({ "progressToken": "p" }))
}

#[tokio::test]
async fn progress_only_grows_and_has_the_state_of_the_scan() {
    let host = TestHost::start();
    let id = submit(&host.mcp, json!({ "scanner_pool": "brief" })).await;
    let mut events = EventStream::open(wait_request(&host.mcp, &id, 50)).await;
    let mut percentages: Vec<f64> = Vec::new();
    let answer = loop {
        let message = events.next().await.expect("the answer comes last");
        if message["method"] != "notifications/progress" {
            break message;
        }
        let params = &message["params"];
        assert_eq!((&params["progressToken"], &params["total"]), (&json!("p"), &json!(100.0)), "{message}");
        let text = params["message"].as_str().expect("a text");
        assert!(text.starts_with("queued") || text.starts_with("running"), "{text}");
        percentages.push(params["progress"].as_f64().expect("a number"));
    };
    assert_eq!(answer["result"]["structuredContent"]["status"], "completed", "{answer}");
    assert!(percentages.len() >= 2 && percentages.windows(2).all(|pair| pair[0] < pair[1]), "{percentages:?}");
    assert!(percentages.iter().all(|percent| (0.0..100.0).contains(percent)), "{percentages:?}");
}

#[tokio::test]
async fn wait_ends_after_its_timeout() {
    let host = TestHost::start();
    let id = host.submit_endless().await;
    let start = Instant::now();
    let waited = host.mcp.call_ok("wait_for_scan", json!({ "task_id": id, "timeout_seconds": 1 })).await;
    assert!(matches!(waited["status"].as_str(), Some("queued" | "running")), "{waited}");
    assert!((1..40).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn closing_the_stream_ends_the_wait_but_not_the_scan() {
    let host = TestHost::start();
    let id = host.submit_endless().await;
    wait_for_status(&host.mcp, &id, "running").await;
    let mut events = EventStream::open(wait_request(&host.mcp, &id, 600)).await;
    events.wait_for(|message| message["method"] == "notifications/progress").await;
    drop(events);
    host.check_given_up(&id).await;
}

#[tokio::test]
async fn cancelling_the_request_ends_the_wait_but_not_the_scan() {
    let host = TestHost::start();
    let id = host.submit_endless().await;
    wait_for_status(&host.mcp, &id, "running").await;
    let session = Session::open(&host.mcp, host.server.url(), json!({})).await;
    let arguments = json!({ "task_id": id, "timeout_seconds": 600 });
    let wait = json!({ "name": "wait_for_scan", "arguments": arguments, "_meta": { "progressToken": 7 } });
    let mut events = session.open_stream(1, "tools/call", wait).await;
    events.wait_for(|message| message["method"] == "notifications/progress").await;
    let cancelled = json!({ "requestId": 1, "reason": "the agent has other things to do" });
    session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled })).await;
    host.check_given_up(&id).await;
}

/// More clients than the server processes calls at a time.
const CLIENTS: usize = 300;

#[tokio::test]
async fn waiting_clients_delay_no_other_call() {
    let host = TestHost::start();
    let id = host.submit_endless().await;
    wait_for_status(&host.mcp, &id, "running").await;
    let call_beside = async {
        let mut waits = Vec::new();
        for _ in 0..CLIENTS {
            let mut events = EventStream::open(wait_request(&host.mcp, &id, 600)).await;
            events.wait_for(|message| message["method"] == "notifications/progress").await;
            waits.push(events);
        }
        host.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await
    };
    let status = timeout(Duration::from_secs(300), call_beside).await.expect("an answer");
    assert_eq!(status["status"], "running", "{status}");
}

#[tokio::test]
async fn open_sessions_and_streams_delay_no_other_call() {
    let host = TestHost::start();
    let id = host.submit_endless().await;
    let uri = format!("scan://{id}");
    let call_beside = async {
        let (mut sessions, mut streams) = (Vec::new(), Vec::new());
        for _ in 0..CLIENTS {
            let session = Session::open(&host.mcp, host.server.url(), json!({})).await;
            session.call_method(1, "tools/list", json!({})).await.expect("tools");
            let status = json!({ "name": "get_scan_status", "arguments": { "task_id": id } });
            session.call_method(2, "tools/call", status).await.expect("a status");
            sessions.push(session);
            streams.push(host.listen(&[&uri]).await);
        }
        host.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await
    };
    timeout(Duration::from_secs(300), call_beside).await.expect("an answer");
}

impl TestHost {
    /// Checks that the wait ends soon, and that the scan goes on.
    async fn check_given_up(&self, task_id: &str) {
        let start = Instant::now();
        while !self.server.log().contains(GIVEN_UP) {
            assert!(start.elapsed() < Duration::from_secs(20), "the server still waits");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let status: Value = self.mcp.call_ok("get_scan_status", json!({ "task_id": task_id })).await;
        assert_eq!(status["status"], "running", "{status}");
    }
}
