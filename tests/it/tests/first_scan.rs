//! The shortest path of an agent through the product: submit, wait and read a page of results over MCP.

use std::time::Duration;

use scanhost_it::server::Home;
use serde_json::json;

#[tokio::test]
async fn agent_submits_waits_and_reads_a_page() {
    let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: mock1, options: {duration_seconds: 0.2}}]")]);
    let server = home.start();
    let mcp = server.mcp();
    let submitted = mcp.call_ok("run_untrusted_scan", json!({ "targets": "10.0.0.0/28", "name": "first" })).await;
    let id = submitted["task_id"].as_str().expect("a task id");
    let status = mcp.wait_for_end(id, Duration::from_secs(30)).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["results_summary"]["total_vulnerabilities"], 60);
    let lines = mcp.results(json!({ "task_id": id, "page": 2 })).await;
    assert_eq!(lines.len(), 2 + 20 + 1);
}
