//! Scans as tasks of the extension `io.modelcontextprotocol/tasks`: their ids, states, and permissions.

use std::time::{Duration, Instant};

use scanhost_it::{
    mcp::McpClient,
    scans::{submit, wait_for_status},
    session::Session,
};
use serde_json::{Value, json};

use crate::TestHost;

fn capabilities() -> Value {
    json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })
}

impl TestHost {
    /// A client that supports tasks.
    fn client_with_tasks(&self) -> McpClient {
        self.mcp.clone().with_capabilities(capabilities())
    }
}

async fn call_wait_for_scan(mcp: &McpClient, id: &str) -> Value {
    let wait = json!({ "name": "wait_for_scan", "arguments": { "task_id": id, "timeout_seconds": 2 } });
    mcp.call_method("tools/call", wait).await.expect("an answer")
}

async fn get_task(mcp: &McpClient, id: &str) -> Value {
    mcp.call_method("tasks/get", json!({ "taskId": id })).await.expect("a task")
}

/// Waits until the task is no longer `working`, and returns it.
async fn wait_for_task_end(mcp: &McpClient, id: &str) -> Value {
    let start = Instant::now();
    loop {
        let task = get_task(mcp, id).await;
        if task["status"] != "working" {
            return task;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{task}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn waiting_is_a_task_with_the_id_of_the_scan() {
    let host = TestHost::start();
    let mcp = host.client_with_tasks();
    let discovered = mcp.call_method("server/discover", json!({})).await.expect("a description");
    assert!(discovered["capabilities"]["extensions"]["io.modelcontextprotocol/tasks"].is_object(), "{discovered}");
    let id = submit(&mcp, json!({ "scanner_pool": "brief" })).await;
    let task = call_wait_for_scan(&mcp, &id).await;
    assert_eq!(
        (&task["resultType"], &task["taskId"], &task["status"]),
        (&json!("task"), &json!(id), &json!("working"))
    );
    assert!(task["pollIntervalMs"].is_u64() && task["ttlMs"].is_null(), "{task}");
    let done = wait_for_task_end(&mcp, &id).await;
    assert_eq!((&done["status"], &done["resultType"]), (&json!("completed"), &json!("complete")), "{done}");
    assert!(done["ttlMs"].as_u64() > Some(6 * 24 * 3_600_000), "{done}");
    let status = mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(done["result"]["structuredContent"], status);
    let waited = call_wait_for_scan(&mcp, &id).await;
    assert_eq!(waited["structuredContent"], status, "a wait for an ended scan is answered at once");
}

#[tokio::test]
async fn failed_scan_is_a_completed_task_and_cancelled_scan_a_cancelled_task() {
    let host = TestHost::start();
    let mcp = host.client_with_tasks();
    let failed = submit(&mcp, json!({ "scanner_pool": "broken" })).await;
    let task = wait_for_task_end(&mcp, &failed).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(task["result"]["structuredContent"]["status"], "failed", "{task}");
    let id = host.submit_endless().await;
    wait_for_status(&mcp, &id, "running").await;
    for _ in 0..2 {
        let answer = mcp
            .call_method("tasks/cancel", json!({ "taskId": id }))
            .await
            .expect("a second cancellation succeeds, too");
        assert!(answer.get("taskId").is_none() && answer["resultType"] == "complete", "{answer}");
    }
    assert_eq!(wait_for_task_end(&mcp, &id).await["status"], "cancelled");
    assert_eq!(mcp.call_ok("get_scan_status", json!({ "task_id": id })).await["status"], "cancelled");
}

#[tokio::test]
async fn only_clients_that_declare_the_extension_get_tasks() {
    let host = TestHost::start();
    let id = host.submit_endless().await;
    let plain = call_wait_for_scan(&host.mcp, &id).await;
    assert!(plain.get("taskId").is_none() && plain["structuredContent"]["task_id"] == id, "{plain}");
    for method in ["tasks/get", "tasks/cancel"] {
        let error = host.mcp.call_method(method, json!({ "taskId": id })).await.expect_err("not declared");
        assert_eq!(error["code"], -32021, "{method}: {error}");
    }
    // A client of 2025-11-25 may declare the extension, too, but does not understand a task.
    let session = Session::open(&host.mcp, host.server.url(), capabilities()).await;
    let params = json!({ "name": "wait_for_scan", "arguments": { "task_id": id, "timeout_seconds": 1 } });
    let waited = session.call_method(1, "tools/call", params).await.expect("an answer");
    assert!(waited.get("taskId").is_none() && waited["structuredContent"]["task_id"] == id, "{waited}");
}

#[tokio::test]
async fn task_survives_a_restart_and_unknown_task_is_refused() {
    let host = TestHost::start();
    let id = host.submit_endless().await;
    assert_eq!(call_wait_for_scan(&host.client_with_tasks(), &id).await["taskId"], id);
    let host = host.kill_and_restart();
    let mcp = host.client_with_tasks();
    assert_eq!(get_task(&mcp, &id).await["status"], "working");
    for unknown in ["01KB4J8ZC0Q2V7N5R3T6W9XYAE", "nonsense"] {
        for method in ["tasks/get", "tasks/cancel"] {
            let error = mcp.call_method(method, json!({ "taskId": unknown })).await.expect_err("unknown");
            assert_eq!(error["code"], -32602, "{method} {unknown}: {error}");
        }
    }
}

#[tokio::test]
async fn cancelling_a_task_needs_the_submit_scope() {
    let tokens = "tokens:\n- {name: reader, scopes: [scan:read], token: readers-token}\n\
        - {name: both, scopes: [scan:read, scan:submit], token: both-token}\n";
    let host = TestHost::with_settings(tokens);
    let (reader, both) =
        (host.client_with_tasks().with_token("readers-token"), host.client_with_tasks().with_token("both-token"));
    let id = submit(&both, json!({ "scanner_pool": "slow" })).await;
    assert_eq!(get_task(&reader, &id).await["status"], "working");
    reader.call_method("tasks/cancel", json!({ "taskId": id })).await.expect_err("the read scope does not permit it");
    both.call_method("tasks/cancel", json!({ "taskId": id })).await.expect("the submit scope permits it");
}
