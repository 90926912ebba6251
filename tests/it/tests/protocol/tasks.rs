//! Scans as tasks of the extension `io.modelcontextprotocol/tasks`: for whom, under which id, in which states.

use std::time::{Duration, Instant};

use scanhost_it::{
    mcp::Mcp,
    raw::{submit, until},
    session::Session,
};
use serde_json::{Value, json};

use crate::Desk;

fn capabilities() -> Value {
    json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })
}

impl Desk {
    /// A client that takes tasks.
    fn tasking(&self) -> Mcp {
        self.mcp.clone().with_capabilities(capabilities())
    }
}

async fn wait(mcp: &Mcp, id: &str) -> Value {
    let wait = json!({ "name": "wait_for_scan", "arguments": { "task_id": id, "timeout_seconds": 2 } });
    mcp.method("tools/call", wait).await.expect("an answer")
}

async fn get(mcp: &Mcp, id: &str) -> Value {
    mcp.method("tasks/get", json!({ "taskId": id })).await.expect("a task")
}

/// The task once it is no longer working.
async fn settled(mcp: &Mcp, id: &str) -> Value {
    let begin = Instant::now();
    loop {
        let task = get(mcp, id).await;
        if task["status"] != "working" {
            return task;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{task}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn waiting_is_a_task_with_the_scans_own_id() {
    let desk = Desk::new();
    let mcp = desk.tasking();
    let discovered = mcp.method("server/discover", json!({})).await.expect("a description");
    assert!(discovered["capabilities"]["extensions"]["io.modelcontextprotocol/tasks"].is_object(), "{discovered}");
    let id = submit(&mcp, json!({ "scanner_pool": "brief" })).await;
    let task = wait(&mcp, &id).await;
    assert_eq!(
        (&task["resultType"], &task["taskId"], &task["status"]),
        (&json!("task"), &json!(id), &json!("working"))
    );
    assert!(task["pollIntervalMs"].is_u64() && task["ttlMs"].is_null(), "{task}");
    let done = settled(&mcp, &id).await;
    assert_eq!((&done["status"], &done["resultType"]), (&json!("completed"), &json!("complete")), "{done}");
    assert!(done["ttlMs"].as_u64() > Some(6 * 24 * 3_600_000), "{done}");
    let status = mcp.ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(done["result"]["structuredContent"], status);
    let waited = wait(&mcp, &id).await;
    assert_eq!(waited["structuredContent"], status, "what has ended is answered at once");
}

#[tokio::test]
async fn a_scan_that_failed_is_a_completed_task_and_a_cancelled_one_a_cancelled_task() {
    let desk = Desk::new();
    let mcp = desk.tasking();
    let failed = submit(&mcp, json!({ "scanner_pool": "broken" })).await;
    let task = settled(&mcp, &failed).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(task["result"]["structuredContent"]["status"], "failed", "{task}");
    let id = desk.endless().await;
    until(&mcp, &id, "running").await;
    for _ in 0..2 {
        let told = mcp.method("tasks/cancel", json!({ "taskId": id })).await.expect("twice is the same as once");
        assert!(told.get("taskId").is_none() && told["resultType"] == "complete", "{told}");
    }
    assert_eq!(settled(&mcp, &id).await["status"], "cancelled");
    assert_eq!(mcp.ok("get_scan_status", json!({ "task_id": id })).await["status"], "cancelled");
}

#[tokio::test]
async fn only_who_declares_the_extension_gets_tasks() {
    let desk = Desk::new();
    let id = desk.endless().await;
    let plain = wait(&desk.mcp, &id).await;
    assert!(plain.get("taskId").is_none() && plain["structuredContent"]["task_id"] == id, "{plain}");
    for method in ["tasks/get", "tasks/cancel"] {
        let error = desk.mcp.method(method, json!({ "taskId": id })).await.expect_err("not declared");
        assert_eq!(error["code"], -32021, "{method}: {error}");
    }
    // One of the older era may declare it too, and would not understand a task.
    let session = Session::open(&desk.mcp, desk.server.url(), capabilities()).await;
    let params = json!({ "name": "wait_for_scan", "arguments": { "task_id": id, "timeout_seconds": 1 } });
    let waited = session.method(1, "tools/call", params).await.expect("an answer");
    assert!(waited.get("taskId").is_none() && waited["structuredContent"]["task_id"] == id, "{waited}");
}

#[tokio::test]
async fn a_task_outlives_the_process_and_an_unknown_one_is_refused() {
    let desk = Desk::new();
    let id = desk.endless().await;
    assert_eq!(wait(&desk.tasking(), &id).await["taskId"], id);
    let desk = desk.killed();
    let mcp = desk.tasking();
    assert_eq!(get(&mcp, &id).await["status"], "working");
    for unknown in ["01KB4J8ZC0Q2V7N5R3T6W9XYAE", "nonsense"] {
        for method in ["tasks/get", "tasks/cancel"] {
            let error = mcp.method(method, json!({ "taskId": unknown })).await.expect_err("unknown");
            assert_eq!(error["code"], -32602, "{method} {unknown}: {error}");
        }
    }
}

#[tokio::test]
async fn cancelling_a_task_needs_what_cancelling_a_scan_needs() {
    let tokens = "tokens:\n- {name: reader, scopes: [scan:read], token: readers-token}\n\
        - {name: both, scopes: [scan:read, scan:submit], token: both-token}\n";
    let desk = Desk::with(tokens);
    let (reader, both) = (desk.tasking().with_token("readers-token"), desk.tasking().with_token("both-token"));
    let id = submit(&both, json!({ "scanner_pool": "slow" })).await;
    assert_eq!(get(&reader, &id).await["status"], "working");
    reader.method("tasks/cancel", json!({ "taskId": id })).await.expect_err("a reader cancels nothing");
    both.method("tasks/cancel", json!({ "taskId": id })).await.expect("who submits cancels");
}
