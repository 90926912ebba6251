//! The main job, once, over MCP.

use std::time::Duration;

use scanhost_it::server::Home;
use serde_json::json;

#[tokio::test]
async fn an_agent_submits_waits_and_pages() {
    let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: mock1, options: {duration_seconds: 0.2}}]")]);
    let server = home.start();
    let mcp = server.mcp();
    let submitted = mcp.ok("run_untrusted_scan", json!({ "targets": "10.0.0.0/28", "name": "first" })).await;
    let id = submitted["task_id"].as_str().expect("a task id");
    let status = mcp.ended(id, Duration::from_secs(30)).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["results_summary"]["total_vulnerabilities"], 60);
    let lines = mcp.results(json!({ "task_id": id, "page": 2 })).await;
    assert_eq!(lines.len(), 2 + 20 + 1);
}
