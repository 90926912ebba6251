//! The scanner's report as a file, and how far a scan is while there is none.

use std::time::Duration;

use fake_nessus::{Operation, Settings};
use scanhost_it::lab::{Lab, endless, instant, lab_report, task_id, wait_until};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_scan_tells_its_progress_and_has_no_report_yet() {
    let settings = Settings { scan_duration: Duration::from_secs(10), ..instant(lab_report()) };
    let lab = Lab::new(settings).await;
    let id = lab.submitted().await;
    let (code, ..) = lab.mcp.refused("get_scan_results", json!({ "task_id": id })).await;
    assert_eq!(code, "not_ready");
    let (code, ..) = lab.mcp.refused("download_native_scan", json!({ "task_id": id })).await;
    assert_eq!(code, "not_ready");
    let mut seen = Vec::new();
    loop {
        let status = lab.mcp.ok("get_scan_status", json!({ "task_id": id })).await;
        seen.push(status["progress"].as_u64().expect("a status has a progress"));
        match status["status"].as_str() {
            Some("queued" | "running") => assert!(*seen.last().expect("one was seen") < 100, "{status}"),
            Some("completed") => break,
            _ => panic!("{status}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(seen.is_sorted(), "progress goes back: {seen:?}");
    assert!(seen.iter().any(|percent| (1..100).contains(percent)), "nothing between start and end: {seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_report_arrives_byte_for_byte() {
    let report = String::from_utf8(lab_report()).expect("the fixture is UTF-8");
    let (head, rest) = report.split_once("<ReportHost").expect("the fixture has hosts");
    let (hosts, end) = rest.split_once("</Report>").expect("the fixture has an end");
    let large = format!("{head}{}</Report>{end}", format!("<ReportHost{hosts}").repeat(200)).into_bytes();
    let lab = Lab::new(instant(large.clone())).await;
    let status = lab.scanned([]).await;
    assert_eq!(status["results_summary"]["total_vulnerabilities"], 200 * 40, "{status}");
    assert_eq!(status["results_summary"]["hosts_scanned"], 200 * 4);
    assert!(lab.native_report(task_id(&status)).await == large, "the report differs from what the scanner sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tool_links_to_the_report() {
    let lab = Lab::new(instant(lab_report())).await;
    let status = lab.scanned([]).await;
    let id = task_id(&status);
    let asked = json!({ "name": "download_native_scan", "arguments": { "task_id": id } });
    let result = lab.mcp.method("tools/call", asked).await.expect("the call succeeds");
    let content = result["content"].as_array().expect("a list");
    let link = content.iter().find(|block| block["type"] == "resource_link").expect("there is a link");
    assert_eq!(link["uri"], format!("scan://{id}/report"));
    assert_eq!(link["name"], "scan_native.nessus");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_runs_as_many_scans_as_it_has_capacity_for() {
    let lab = Lab::new(endless()).await;
    for _ in 0..3 {
        lab.submitted().await;
    }
    wait_until("two launches", || lab.scanner.records().done.of(Operation::Launch) == 2).await;
    let pool = lab.mcp.ok("get_pool_status", json!({})).await;
    assert_eq!((&pool["active"], &pool["queue_depth"]), (&json!(2), &json!(1)), "{pool}");
    assert_eq!(lab.scanner.records().asked.of(Operation::Create), 2);
}
