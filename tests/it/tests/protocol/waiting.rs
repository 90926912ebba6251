//! `wait_for_scan` while it waits: what it tells, and who stops it.

use std::time::{Duration, Instant};

use scanhost_it::{
    mcp::Mcp,
    raw::{submit, until},
    session::Session,
    stream::Events,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::Desk;

/// What the log says once nobody waits any more.
const GIVEN_UP: &str = "nobody waits for the scan any more";

fn waiting(mcp: &Mcp, task_id: &str, seconds: u32) -> reqwest::RequestBuilder {
    let arguments = json!({ "task_id": task_id, "timeout_seconds": seconds });
    let params = json!({ "name": "wait_for_scan", "arguments": arguments });
    mcp.request_with("tools/call", params, json!({ "progressToken": "p" }))
}

#[tokio::test]
async fn progress_only_grows_and_says_where_the_scan_stands() {
    let desk = Desk::new();
    let id = submit(&desk.mcp, json!({ "scanner_pool": "brief" })).await;
    let mut events = Events::open(waiting(&desk.mcp, &id, 50)).await;
    let mut told: Vec<f64> = Vec::new();
    let answer = loop {
        let message = events.next().await.expect("the answer comes last");
        if message["method"] != "notifications/progress" {
            break message;
        }
        let params = &message["params"];
        assert_eq!((&params["progressToken"], &params["total"]), (&json!("p"), &json!(100.0)), "{message}");
        let text = params["message"].as_str().expect("a text");
        assert!(text.starts_with("queued") || text.starts_with("running"), "{text}");
        told.push(params["progress"].as_f64().expect("a number"));
    };
    assert_eq!(answer["result"]["structuredContent"]["status"], "completed", "{answer}");
    assert!(told.len() >= 2 && told.windows(2).all(|pair| pair[0] < pair[1]), "{told:?}");
    assert!(told.iter().all(|percent| (0.0..100.0).contains(percent)), "{told:?}");
}

#[tokio::test]
async fn a_wait_ends_when_its_time_is_up() {
    let desk = Desk::new();
    let id = desk.endless().await;
    let begin = Instant::now();
    let waited = desk.mcp.ok("wait_for_scan", json!({ "task_id": id, "timeout_seconds": 1 })).await;
    assert!(matches!(waited["status"].as_str(), Some("queued" | "running")), "{waited}");
    assert!((1..40).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn closing_the_stream_ends_the_waiting_and_not_the_scan() {
    let desk = Desk::new();
    let id = desk.endless().await;
    until(&desk.mcp, &id, "running").await;
    let mut events = Events::open(waiting(&desk.mcp, &id, 600)).await;
    events.until(|message| message["method"] == "notifications/progress").await;
    drop(events);
    desk.check_given_up(&id).await;
}

#[tokio::test]
async fn a_cancelled_request_ends_the_waiting_and_not_the_scan() {
    let desk = Desk::new();
    let id = desk.endless().await;
    until(&desk.mcp, &id, "running").await;
    let session = Session::open(&desk.mcp, desk.server.url(), json!({})).await;
    let arguments = json!({ "task_id": id, "timeout_seconds": 600 });
    let wait = json!({ "name": "wait_for_scan", "arguments": arguments, "_meta": { "progressToken": 7 } });
    let mut events = session.begin(1, "tools/call", wait).await;
    events.until(|message| message["method"] == "notifications/progress").await;
    let cancelled = json!({ "requestId": 1, "reason": "the agent has other things to do" });
    session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled })).await;
    desk.check_given_up(&id).await;
}

/// More than are worked on at a time.
const CLIENTS: usize = 300;

#[tokio::test]
async fn whoever_waits_is_in_nobodys_way() {
    let desk = Desk::new();
    let id = desk.endless().await;
    until(&desk.mcp, &id, "running").await;
    let answered = async {
        let mut waits = Vec::new();
        for _ in 0..CLIENTS {
            let mut events = Events::open(waiting(&desk.mcp, &id, 600)).await;
            events.until(|message| message["method"] == "notifications/progress").await;
            waits.push(events);
        }
        desk.mcp.ok("get_scan_status", json!({ "task_id": id })).await
    };
    let status = timeout(Duration::from_secs(300), answered).await.expect("an answer");
    assert_eq!(status["status"], "running", "{status}");
}

#[tokio::test]
async fn whoever_has_a_session_or_listens_is_in_nobodys_way() {
    let desk = Desk::new();
    let id = desk.endless().await;
    let uri = format!("scan://{id}");
    let answered = async {
        let (mut sessions, mut streams) = (Vec::new(), Vec::new());
        for _ in 0..CLIENTS {
            let session = Session::open(&desk.mcp, desk.server.url(), json!({})).await;
            session.method(1, "tools/list", json!({})).await.expect("tools");
            let status = json!({ "name": "get_scan_status", "arguments": { "task_id": id } });
            session.method(2, "tools/call", status).await.expect("a status");
            sessions.push(session);
            streams.push(desk.listen(&[&uri]).await);
        }
        desk.mcp.ok("get_scan_status", json!({ "task_id": id })).await
    };
    timeout(Duration::from_secs(300), answered).await.expect("an answer");
}

impl Desk {
    /// The wait has ended within a bound, and the scan has not.
    async fn check_given_up(&self, task_id: &str) {
        let begin = Instant::now();
        while !self.server.log().contains(GIVEN_UP) {
            assert!(begin.elapsed() < Duration::from_secs(20), "the server waits on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let status: Value = self.mcp.ok("get_scan_status", json!({ "task_id": task_id })).await;
        assert_eq!(status["status"], "running", "{status}");
    }
}
