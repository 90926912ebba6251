//! The native report as a file, and the progress of a scan before there is one.

use std::time::Duration;

use fake_nessus::{Operation, Settings};
use scanhost_it::testbed::{Testbed, endless_scans, four_host_report, instant_scans, task_id, wait_until};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_scan_has_progress_and_no_report() {
    let settings = Settings { scan_duration: Duration::from_secs(10), ..instant_scans(four_host_report()) };
    let testbed = Testbed::new(settings).await;
    let id = testbed.submit().await;
    let (code, ..) = testbed.mcp.call_refused("get_scan_results", json!({ "task_id": id })).await;
    assert_eq!(code, "not_ready");
    let (code, ..) = testbed.mcp.call_refused("download_native_scan", json!({ "task_id": id })).await;
    assert_eq!(code, "not_ready");
    let mut percentages = Vec::new();
    loop {
        let status = testbed.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
        percentages.push(status["progress"].as_u64().expect("a status has a progress"));
        match status["status"].as_str() {
            Some("queued" | "running") => assert!(*percentages.last().expect("one was pushed") < 100, "{status}"),
            Some("completed") => break,
            _ => panic!("{status}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(percentages.is_sorted(), "the progress decreases: {percentages:?}");
    assert!(
        percentages.iter().any(|percent| (1..100).contains(percent)),
        "there is no progress between start and end: {percentages:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_report_is_stored_byte_for_byte() {
    let report = String::from_utf8(four_host_report()).expect("the fixture is UTF-8");
    let (head, rest) = report.split_once("<ReportHost").expect("the fixture has hosts");
    let (hosts, end) = rest.split_once("</Report>").expect("the fixture has an end");
    let large = format!("{head}{}</Report>{end}", format!("<ReportHost{hosts}").repeat(200)).into_bytes();
    let testbed = Testbed::new(instant_scans(large.clone())).await;
    let status = testbed.run_scan_with_faults([]).await;
    assert_eq!(status["results_summary"]["total_vulnerabilities"], 200 * 40, "{status}");
    assert_eq!(status["results_summary"]["hosts_scanned"], 200 * 4);
    assert!(testbed.native_report(task_id(&status)).await == large, "the report differs from the scanner's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn download_tool_links_to_the_report() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let status = testbed.run_scan_with_faults([]).await;
    let id = task_id(&status);
    let call = json!({ "name": "download_native_scan", "arguments": { "task_id": id } });
    let result = testbed.mcp.call_method("tools/call", call).await.expect("the call succeeds");
    let content = result["content"].as_array().expect("a list");
    let link = content.iter().find(|block| block["type"] == "resource_link").expect("there is a link");
    assert_eq!(link["uri"], format!("scan://{id}/report"));
    assert_eq!(link["name"], "scan_native.nessus");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scanner_runs_no_more_scans_than_its_capacity() {
    let testbed = Testbed::new(endless_scans()).await;
    for _ in 0..3 {
        testbed.submit().await;
    }
    wait_until("two launches", || testbed.scanner.records().executed.count(Operation::Launch) == 2).await;
    let pool = testbed.mcp.call_ok("get_pool_status", json!({})).await;
    assert_eq!((&pool["active"], &pool["queue_depth"]), (&json!(2), &json!(1)), "{pool}");
    assert_eq!(testbed.scanner.records().received.count(Operation::Create), 2);
}
