//! Failures that a retry cannot cure, and unusual reports: the scan ends, and its status has the reason.

use std::{fs, time::Duration};

use fake_nessus::{Fault, FaultKind, Operation, Settings};
use scanhost_it::{
    server::Server,
    testbed::{SCAN_TIMEOUT, ScannerLogin, Testbed, four_host_report, instant_scans, task_id, wait_until},
};
use serde_json::{Value, json};

/// Checks that the scan has failed with this code, and that its message has these words.
fn assert_failed(status: &Value, code: &str, words: &[&str]) {
    assert_eq!(status["status"], "failed", "{status}");
    assert_eq!(status["error"]["code"], code, "{status}");
    let message = status["error"]["message"].as_str().expect("a failure has a message");
    assert!(!message.contains('\n'), "a message is one line: {message}");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edition_without_scan_api_is_unsupported() {
    let testbed = Testbed::new(Settings { scan_api: false, ..instant_scans(four_host_report()) }).await;
    let faults = [Fault::next(1, Operation::Create, FaultKind::DropBefore)];
    for (name, faults) in [("refused with 412", Vec::new()), ("dropped without an answer", faults.to_vec())] {
        let status = testbed.run_scan_with_faults(faults).await;
        assert_failed(&status, "unsupported", &["scan_api", "use an edition that has it"]);
        let received = testbed.record(&status).received.count(Operation::Create);
        assert_eq!(received, 1, "{name}: a create that the licence forbids is not retried");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_aborted_by_the_scanner_has_failed() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let status = testbed.run_scan_with_faults([Fault::next(1, Operation::Launch, FaultKind::ScanAborts)]).await;
    assert_failed(&status, "remote_scan_failed", &["aborted"]);
    assert_eq!(testbed.record(&status).executed.count(Operation::Launch), 1);
    let (code, message, _) = testbed.mcp.call_refused("get_scan_results", json!({ "task_id": task_id(&status) })).await;
    assert_eq!(code, "conflict", "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_request_is_not_retried() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let rejected = FaultKind::Status { code: 400.try_into().expect("a status") };
    let status = testbed.run_scan_with_faults([Fault::every(1, Operation::Create, rejected)]).await;
    assert_failed(&status, "rejected", &["400"]);
    assert_eq!(testbed.record(&status).received.count(Operation::Create), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_that_keeps_failing_is_restarted() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    // One call of the plugin requests the export three times; then the host repeats the call.
    let status = testbed.run_scan_with_faults([Fault::next(5, Operation::Export, FaultKind::ExportFails)]).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(testbed.record(&status).executed.count(Operation::Export), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_that_never_ends_is_ordered_again_and_then_fails_as_stuck() {
    let settings = Settings { export_duration: Duration::from_secs(3_600), ..instant_scans(four_host_report()) };
    let (scanner, home) = Testbed::prepare(settings, ScannerLogin::ApiKeys, "").await;
    let scanners = fs::read_to_string(home.config().join("scanners.yaml")).expect("it was written");
    home.write("scanners.yaml", &scanners.replace("max_concurrent", "limits: {answer_seconds: 3600}, max_concurrent"));
    let mut command = home.serve_command();
    // An order lasts 30 minutes, which become 4.5 seconds, and the time of an answer 9 seconds.
    command.env("SCANHOST_HASTE", "400");
    let server = Server::start(command);
    let mcp = server.mcp();
    let testbed = Testbed { scanner, home, server, mcp };
    let id = testbed.submit().await;
    wait_until("the second order", || testbed.server.log().contains("ordering the report again")).await;
    // The step is stored after its log line.
    let warned = async {
        loop {
            let status = testbed.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
            if status["warnings"].to_string().contains("asked for it again") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SCAN_TIMEOUT, warned).await.expect("the status warns of it");
    let status = testbed.wait_for_end(&id).await;
    assert_failed(&status, "export_stuck", &["3 times", "dlq retry"]);
    assert_eq!(testbed.record(&status).executed.count(Operation::Stop), 0);
}

/// Malformed reports, with the offset of the error.
fn malformed() -> [(&'static str, Vec<u8>, usize); 3] {
    let report = four_host_report();
    let offset_of = |text: &str| {
        let text = text.as_bytes();
        report.windows(text.len()).position(|window| window == text).expect("the fixture has it")
    };
    let cut = report.len() / 2;
    let mut crossed = report.clone();
    let end = offset_of("</HostProperties>");
    crossed.splice(end..end + "</HostProperties>".len(), *b"</HostPr0perties>");
    [
        ("cut off", report[..cut].to_vec(), cut),
        ("tags that cross", crossed, end),
        ("not XML at all", b"<html><body>Bad gateway</body></html>".to_vec(), 0),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_report_is_downloaded_twice_and_kept() {
    for (name, report, broken_at) in malformed() {
        let testbed = Testbed::new(instant_scans(report.clone())).await;
        let status = testbed.run_scan_with_faults([]).await;
        assert_failed(&status, "bad_report", &["byte"]);
        let message = status["error"]["message"].as_str().expect("a failure has a message");
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let offset: usize =
            message.rsplit("byte").next().map(digits).and_then(|text| text.parse().ok()).expect(message);
        assert!(offset.abs_diff(broken_at) <= 64, "{name}: {message}, but the error is at {broken_at}");
        assert_eq!(testbed.record(&status).executed.count(Operation::Download), 2, "{name}");
        assert!(testbed.native_report(task_id(&status)).await == report, "{name}: the report is kept unchanged");
        let (code, ..) = testbed.mcp.call_refused("get_scan_results", json!({ "task_id": task_id(&status) })).await;
        assert_eq!(code, "conflict", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_without_hosts_completes_with_a_warning() {
    let empty = b"<?xml version=\"1.0\" ?>\n<NessusClientData_v2><Report name=\"none\"></Report></NessusClientData_v2>";
    let testbed = Testbed::new(instant_scans(empty.to_vec())).await;
    let status = testbed.run_scan_with_faults([]).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["results_summary"]["hosts_scanned"], 0);
    let warnings = status["warnings"].as_array().expect("there are warnings");
    assert!(warnings.iter().any(|warning| warning["code"] == "no_hosts"), "{status}");
    let lines = testbed.mcp.results(json!({ "task_id": task_id(&status) })).await;
    assert_eq!((&lines[0]["total_vulnerabilities"], &lines[0]["total_pages"]), (&json!(0), &json!(1)));
}
