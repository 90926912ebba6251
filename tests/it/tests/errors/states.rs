//! Calls that the state of a scan does not permit.

use std::time::Duration;

use scanhost_it::{
    scans::{scan_arguments, submit, wait_for_status},
    server::Home,
};
use serde_json::json;

use crate::test_host::TestHost;

const SCAN_TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn results_before_the_end_are_not_ready() {
    let host = TestHost::start();
    let running = submit(&host.mcp, json!({ "scanner_pool": "slow" })).await;
    wait_for_status(&host.mcp, &running, "running").await;
    let queued = submit(&host.mcp, json!({ "scanner_pool": "slow" })).await;
    for (id, status) in [(running, "running"), (queued, "queued")] {
        for tool in ["get_scan_results", "get_scan_summary"] {
            host.check_refused(tool, json!({ "task_id": id }), "not_ready", status, "wait_for_scan").await;
        }
        let both = json!({ "task_id": id, "baseline_task_id": id });
        host.check_refused("compare_scans", both, "not_ready", status, "wait_for_scan").await;
    }
}

#[tokio::test]
async fn results_of_a_failed_or_cancelled_scan_are_a_conflict() {
    let host = TestHost::start();
    let failed = submit(&host.mcp, json!({ "scanner_pool": "broken" })).await;
    wait_for_status(&host.mcp, &failed, "failed").await;
    let cancelled = submit(&host.mcp, json!({ "scanner_pool": "slow" })).await;
    host.mcp.call_ok("cancel_scan", json!({ "task_id": cancelled })).await;
    wait_for_status(&host.mcp, &cancelled, "cancelled").await;
    for (id, status) in [(failed, "failed"), (cancelled, "cancelled")] {
        for tool in ["get_scan_results", "get_scan_summary"] {
            host.check_refused(tool, json!({ "task_id": id }), "conflict", status, "get_scan_status").await;
        }
        let both = json!({ "task_id": id, "baseline_task_id": id });
        host.check_refused("compare_scans", both, "conflict", status, "get_scan_status").await;
    }
}

#[tokio::test]
async fn results_of_a_timed_out_scan_are_a_conflict() {
    let home = Home::new(&[
        ("scanners.yaml", "mock: [{instance_id: m1, options: {duration_seconds: 3600}}]"),
        ("scanhost.yaml", "limits: {poll_seconds: 0.1, scan_hours: 0.0001}\n"),
    ]);
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp, json!({})).await;
    let status = wait_for_status(&mcp, &id, "timeout").await;
    assert_eq!(status["error"]["code"], "timeout");
    let (code, message, _) = mcp.call_refused("get_scan_results", json!({ "task_id": id })).await;
    assert_eq!(code, "conflict", "{message}");
}

#[tokio::test]
async fn ended_scan_cannot_be_cancelled() {
    let host = TestHost::start();
    let completed = submit(&host.mcp, json!({})).await;
    wait_for_status(&host.mcp, &completed, "completed").await;
    let failed = submit(&host.mcp, json!({ "scanner_pool": "broken" })).await;
    wait_for_status(&host.mcp, &failed, "failed").await;
    for (id, status) in [(completed, "completed"), (failed, "failed")] {
        host.check_refused("cancel_scan", json!({ "task_id": id }), "conflict", status, "delete_scan").await;
        wait_for_status(&host.mcp, &id, status).await;
    }
}

#[tokio::test]
async fn cancelling_twice_equals_cancelling_once() {
    let host = TestHost::start();
    let id = submit(&host.mcp, json!({ "scanner_pool": "slow" })).await;
    wait_for_status(&host.mcp, &id, "running").await;
    host.mcp.call_ok("cancel_scan", json!({ "task_id": id })).await;
    wait_for_status(&host.mcp, &id, "cancelled").await;
    let again = host.mcp.call_ok("cancel_scan", json!({ "task_id": id })).await;
    assert_eq!(again["status"], "cancelled", "the scan is still cancelled");
}

#[tokio::test]
async fn running_scan_is_deleted_only_by_force() {
    let host = TestHost::start();
    let running = submit(&host.mcp, json!({ "scanner_pool": "slow" })).await;
    wait_for_status(&host.mcp, &running, "running").await;
    let queued = submit(&host.mcp, json!({ "scanner_pool": "slow" })).await;
    for without_force in [json!({ "task_id": running }), json!({ "task_id": running, "force": false })] {
        host.check_refused("delete_scan", without_force, "conflict", "running", "force").await;
    }
    for arguments in [json!({ "task_id": queued }), json!({ "task_id": running, "force": true })] {
        let id = json!({ "task_id": arguments["task_id"] });
        let deleted = host.mcp.call_ok("delete_scan", arguments).await;
        assert_eq!((&deleted["task_id"], &deleted["deleted"]), (&id["task_id"], &json!(true)));
        host.check_refused("get_scan_status", id.clone(), "not_found", "", "list_scans").await;
        host.check_refused("delete_scan", id, "not_found", "", "list_scans").await;
    }
    let queue = host.mcp.call_ok("get_queue_status", json!({ "scanner_pool": "slow" })).await;
    assert_eq!(queue["queue_depth"], 0, "{queue}");
}

#[tokio::test]
async fn failed_scan_has_an_error_and_waiting_for_it_succeeds() {
    let host = TestHost::start();
    let id = submit(&host.mcp, json!({ "scanner_pool": "broken" })).await;
    let status = host.mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    assert_eq!(status["status"], "failed");
    for key in ["code", "message"] {
        assert!(status["error"][key].as_str().is_some_and(|text| !text.is_empty()), "{status}");
    }
    assert!(status.get("results_summary").is_none(), "a failed scan has no results: {status}");
}

#[tokio::test]
async fn full_queue_is_unavailable_until_a_scan_leaves_it() {
    let host = TestHost::start();
    let slow = json!({ "scanner_pool": "slow" });
    let running = submit(&host.mcp, slow.clone()).await;
    wait_for_status(&host.mcp, &running, "running").await;
    let queued = submit(&host.mcp, slow.clone()).await;
    host.check_refused("run_untrusted_scan", scan_arguments(slow.clone()), "unavailable", "slow", "list_pools").await;
    host.mcp.call_ok("cancel_scan", json!({ "task_id": queued })).await;
    submit(&host.mcp, slow).await;
}
