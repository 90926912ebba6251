//! What cannot be done to a scan in its state.

use std::time::Duration;

use scanhost_it::{
    raw::{arguments, submit, until},
    server::Home,
};
use serde_json::json;

use crate::tool_box::ToolBox;

const BOUND: Duration = Duration::from_secs(30);

#[tokio::test]
async fn results_of_a_scan_that_has_not_ended_are_not_ready() {
    let tools = ToolBox::new();
    let running = submit(&tools.mcp, json!({ "scanner_pool": "slow" })).await;
    until(&tools.mcp, &running, "running").await;
    let queued = submit(&tools.mcp, json!({ "scanner_pool": "slow" })).await;
    for (id, status) in [(running, "running"), (queued, "queued")] {
        for tool in ["get_scan_results", "get_scan_summary"] {
            tools.check(tool, json!({ "task_id": id }), "not_ready", status, "wait_for_scan").await;
        }
        let both = json!({ "task_id": id, "baseline_task_id": id });
        tools.check("compare_scans", both, "not_ready", status, "wait_for_scan").await;
    }
}

#[tokio::test]
async fn results_of_a_scan_that_ended_without_any_are_a_conflict() {
    let tools = ToolBox::new();
    let failed = submit(&tools.mcp, json!({ "scanner_pool": "broken" })).await;
    until(&tools.mcp, &failed, "failed").await;
    let cancelled = submit(&tools.mcp, json!({ "scanner_pool": "slow" })).await;
    tools.mcp.ok("cancel_scan", json!({ "task_id": cancelled })).await;
    until(&tools.mcp, &cancelled, "cancelled").await;
    for (id, status) in [(failed, "failed"), (cancelled, "cancelled")] {
        for tool in ["get_scan_results", "get_scan_summary"] {
            tools.check(tool, json!({ "task_id": id }), "conflict", status, "get_scan_status").await;
        }
        let both = json!({ "task_id": id, "baseline_task_id": id });
        tools.check("compare_scans", both, "conflict", status, "get_scan_status").await;
    }
}

#[tokio::test]
async fn results_of_a_scan_that_ran_out_of_time_are_a_conflict() {
    let home = Home::new(&[
        ("scanners.yaml", "mock: [{instance_id: m1, options: {duration_seconds: 3600}}]"),
        ("scanhost.yaml", "limits: {poll_seconds: 0.1, scan_hours: 0.0001}\n"),
    ]);
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp, json!({})).await;
    let status = until(&mcp, &id, "timeout").await;
    assert_eq!(status["error"]["code"], "timeout");
    let (code, message, _) = mcp.refused("get_scan_results", json!({ "task_id": id })).await;
    assert_eq!(code, "conflict", "{message}");
}

#[tokio::test]
async fn what_has_ended_is_not_cancelled() {
    let tools = ToolBox::new();
    let completed = submit(&tools.mcp, json!({})).await;
    until(&tools.mcp, &completed, "completed").await;
    let failed = submit(&tools.mcp, json!({ "scanner_pool": "broken" })).await;
    until(&tools.mcp, &failed, "failed").await;
    for (id, status) in [(completed, "completed"), (failed, "failed")] {
        tools.check("cancel_scan", json!({ "task_id": id }), "conflict", status, "delete_scan").await;
        until(&tools.mcp, &id, status).await;
    }
}

#[tokio::test]
async fn cancelling_twice_is_cancelling_once() {
    let tools = ToolBox::new();
    let id = submit(&tools.mcp, json!({ "scanner_pool": "slow" })).await;
    until(&tools.mcp, &id, "running").await;
    tools.mcp.ok("cancel_scan", json!({ "task_id": id })).await;
    until(&tools.mcp, &id, "cancelled").await;
    let again = tools.mcp.ok("cancel_scan", json!({ "task_id": id })).await;
    assert_eq!(again["status"], "cancelled", "it did not end otherwise");
}

#[tokio::test]
async fn a_scan_that_runs_is_deleted_only_by_force() {
    let tools = ToolBox::new();
    let running = submit(&tools.mcp, json!({ "scanner_pool": "slow" })).await;
    until(&tools.mcp, &running, "running").await;
    let queued = submit(&tools.mcp, json!({ "scanner_pool": "slow" })).await;
    for not_by_force in [json!({ "task_id": running }), json!({ "task_id": running, "force": false })] {
        tools.check("delete_scan", not_by_force, "conflict", "running", "force").await;
    }
    for arguments in [json!({ "task_id": queued }), json!({ "task_id": running, "force": true })] {
        let id = json!({ "task_id": arguments["task_id"] });
        let deleted = tools.mcp.ok("delete_scan", arguments).await;
        assert_eq!((&deleted["task_id"], &deleted["deleted"]), (&id["task_id"], &json!(true)));
        tools.check("get_scan_status", id.clone(), "not_found", "", "list_scans").await;
        tools.check("delete_scan", id, "not_found", "", "list_scans").await;
    }
    let queue = tools.mcp.ok("get_queue_status", json!({ "scanner_pool": "slow" })).await;
    assert_eq!(queue["queue_depth"], 0, "{queue}");
}

#[tokio::test]
async fn a_failed_scan_says_why_and_waiting_for_it_is_no_error() {
    let tools = ToolBox::new();
    let id = submit(&tools.mcp, json!({ "scanner_pool": "broken" })).await;
    let status = tools.mcp.ended(&id, BOUND).await;
    assert_eq!(status["status"], "failed");
    for key in ["code", "message"] {
        assert!(status["error"][key].as_str().is_some_and(|text| !text.is_empty()), "{status}");
    }
    assert!(status.get("results_summary").is_none(), "what does not apply is left out: {status}");
}

#[tokio::test]
async fn a_full_queue_is_unavailable_and_takes_scans_again_later() {
    let tools = ToolBox::new();
    let slow = json!({ "scanner_pool": "slow" });
    let running = submit(&tools.mcp, slow.clone()).await;
    until(&tools.mcp, &running, "running").await;
    let queued = submit(&tools.mcp, slow.clone()).await;
    tools.check("run_untrusted_scan", arguments(slow.clone()), "unavailable", "slow", "list_pools").await;
    tools.mcp.ok("cancel_scan", json!({ "task_id": queued })).await;
    submit(&tools.mcp, slow).await;
}
