//! Submitting scans of the mock scanner, and waiting for them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::mcp::McpClient;

/// Waits until the scan has this status, and returns the answer of `get_scan_status`.
pub async fn wait_for_status(mcp: &McpClient, task_id: &str, status: &str) -> Value {
    const TIMEOUT: Duration = Duration::from_secs(30);
    let start = Instant::now();
    loop {
        let scan = mcp.call_ok("get_scan_status", json!({ "task_id": task_id })).await;
        if scan["status"] == status {
            return scan;
        }
        assert!(start.elapsed() < TIMEOUT, "the scan was not {status} within {TIMEOUT:?}: {scan}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Submits an untrusted scan, whose default arguments `more` extends or replaces, and returns its task id.
pub async fn submit(mcp: &McpClient, more: Value) -> String {
    let submitted = mcp.call_ok("run_untrusted_scan", scan_arguments(more)).await;
    submitted["task_id"].as_str().expect("the answer to a submit has a task id").to_owned()
}

/// The arguments of an untrusted scan, whose defaults `more` extends or replaces.
pub fn scan_arguments(more: Value) -> Value {
    let mut arguments = json!({ "targets": "10.0.0.1", "name": "test" });
    for (name, value) in more.as_object().expect("arguments are an object") {
        arguments[name] = value.clone();
    }
    arguments
}
