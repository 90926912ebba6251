//! Scans that cannot succeed, and reports that cannot be read: they end, and say why.

use fake_nessus::{Fault, Kind, Operation, Settings};
use scanhost_it::lab::{Lab, instant, lab_report, task_id};
use serde_json::{Value, json};

/// The scan fails with this code, and its message has these words.
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
async fn an_edition_without_scan_api_is_unsupported() {
    let lab = Lab::new(Settings { scan_api: false, ..instant(lab_report()) }).await;
    let faults = [Fault::next(1, Operation::Create, Kind::DropBefore)];
    for (name, faults) in [("refused with 412", Vec::new()), ("dropped without a word", faults.to_vec())] {
        let status = lab.scanned(faults).await;
        assert_failed(&status, "unsupported", &["scan_api", "use an edition that has it"]);
        let asked = lab.record(&status).asked.of(Operation::Create);
        assert_eq!(asked, 1, "{name}: what the licence forbids is not tried again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_that_aborts_at_the_scanner_has_failed() {
    let lab = Lab::new(instant(lab_report())).await;
    let status = lab.scanned([Fault::next(1, Operation::Launch, Kind::ScanAborts)]).await;
    assert_failed(&status, "remote_scan_failed", &["aborted"]);
    assert_eq!(lab.record(&status).done.of(Operation::Launch), 1);
    let (code, message, _) = lab.mcp.refused("get_scan_results", json!({ "task_id": task_id(&status) })).await;
    assert_eq!(code, "conflict", "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_the_scanner_rejects_is_not_repeated() {
    let lab = Lab::new(instant(lab_report())).await;
    let rejected = Kind::Status { code: 400.try_into().expect("a status") };
    let status = lab.scanned([Fault::every(1, Operation::Create, rejected)]).await;
    assert_failed(&status, "rejected", &["400"]);
    assert_eq!(lab.record(&status).asked.of(Operation::Create), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_fails_for_longer_than_one_round_is_begun_anew() {
    let lab = Lab::new(instant(lab_report())).await;
    // The plugin orders three times in a round; then it is the host that tries again.
    let status = lab.scanned([Fault::next(5, Operation::Export, Kind::ExportFails)]).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(lab.record(&status).done.of(Operation::Export), 6);
}

/// A report, and the byte where reading it must stop.
fn malformed() -> [(&'static str, Vec<u8>, usize); 3] {
    let report = lab_report();
    let at = |text: &str| {
        let text = text.as_bytes();
        report.windows(text.len()).position(|window| window == text).expect("the fixture has it")
    };
    let cut = report.len() / 2;
    let mut crossed = report.clone();
    let end = at("</HostProperties>");
    crossed.splice(end..end + "</HostProperties>".len(), *b"</HostPr0perties>");
    [
        ("cut off", report[..cut].to_vec(), cut),
        ("tags that cross", crossed, end),
        ("not XML at all", b"<html><body>Bad gateway</body></html>".to_vec(), 0),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_report_is_fetched_once_more_and_then_kept() {
    for (name, report, broken_at) in malformed() {
        let lab = Lab::new(instant(report.clone())).await;
        let status = lab.scanned([]).await;
        assert_failed(&status, "bad_report", &["byte"]);
        let message = status["error"]["message"].as_str().expect("a failure has a message");
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let told: usize = message.rsplit("byte").next().map(digits).and_then(|text| text.parse().ok()).expect(message);
        assert!(told.abs_diff(broken_at) <= 64, "{name}: {message}, but it breaks at {broken_at}");
        assert_eq!(lab.record(&status).done.of(Operation::Download), 2, "{name}");
        assert!(lab.native_report(task_id(&status)).await == report, "{name}: the report is kept as it came");
        let (code, ..) = lab.mcp.refused("get_scan_results", json!({ "task_id": task_id(&status) })).await;
        assert_eq!(code, "conflict", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_of_no_host_completes_with_a_warning() {
    let empty = b"<?xml version=\"1.0\" ?>\n<NessusClientData_v2><Report name=\"none\"></Report></NessusClientData_v2>";
    let lab = Lab::new(instant(empty.to_vec())).await;
    let status = lab.scanned([]).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["results_summary"]["hosts_scanned"], 0);
    let warnings = status["warnings"].as_array().expect("there are warnings");
    assert!(warnings.iter().any(|warning| warning["code"] == "no_hosts"), "{status}");
    let lines = lab.mcp.results(json!({ "task_id": task_id(&status) })).await;
    assert_eq!((&lines[0]["total_vulnerabilities"], &lines[0]["total_pages"]), (&json!(0), &json!(1)));
}
