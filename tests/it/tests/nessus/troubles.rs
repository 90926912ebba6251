//! What goes wrong between host and scanner, and is over: the scan completes, and nothing is done twice.

use std::time::{Duration, Instant};

use fake_nessus::{Fault, Kind, Operation, Settings};
use scanhost_it::lab::{Access, Lab, endless, instant, lab_report, task_id, wait_until};
use serde_json::{Value, json};

const REQUESTS: [Operation; 6] = [
    Operation::Create,
    Operation::Launch,
    Operation::Status,
    Operation::Export,
    Operation::ExportStatus,
    Operation::Download,
];

fn status(code: u16) -> Kind {
    Kind::Status { code: code.try_into().expect("a status") }
}

/// The scan completes under the faults, with one create and one launch, and its report is the scanner's.
async fn check_completes(lab: &Lab, name: &str, faults: impl IntoIterator<Item = Fault>) -> Value {
    let status = lab.scanned(faults).await;
    assert_eq!(status["status"], "completed", "{name}: {status}");
    assert_eq!(status["results_summary"]["total_vulnerabilities"], 40, "{name}: {status}");
    let done = lab.record(&status).done;
    assert_eq!((done.of(Operation::Create), done.of(Operation::Launch)), (1, 1), "{name}: {done:?}");
    assert!(lab.native_report(task_id(&status)).await == lab_report(), "{name}: the report differs");
    status
}

async fn check_each_request(kind: &Kind) {
    let lab = Lab::new(instant(lab_report())).await;
    for operation in REQUESTS {
        check_completes(&lab, &format!("{kind:?} at {operation:?}"), [Fault::next(1, operation, kind.clone())]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_dropped_before_the_scanner_acted() {
    check_each_request(&Kind::DropBefore).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_dropped_after_the_scanner_acted() {
    check_each_request(&Kind::DropAfter).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off() {
    check_each_request(&Kind::Truncate).await;
    check_each_request(&Kind::TruncateChunked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_of_server_errors() {
    let lab = Lab::new(instant(lab_report())).await;
    for operation in REQUESTS {
        let faults = [500, 502, 503].map(|code| Fault::next(1, operation, status(code)));
        let ended = check_completes(&lab, &format!("5xx at {operation:?}"), faults).await;
        assert_eq!(ended["attempts"], 4, "{operation:?}: {ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fourth_request_fails() {
    let lab = Lab::new(instant(lab_report())).await;
    for kind in [Kind::DropBefore, status(503)] {
        let fault = Fault { operation: None, ..Fault::every(4, Operation::Status, kind.clone()) };
        check_completes(&lab, &format!("{kind:?}"), [fault]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_is_waited_for_as_long_as_it_says() {
    let lab = Lab::new(instant(lab_report())).await;
    let limited = |operation| Fault::next(1, operation, Kind::RateLimited { retry_after: Duration::from_secs(1) });
    let start = Instant::now();
    check_completes(&lab, "429", [Operation::Create, Operation::Launch, Operation::Download].map(limited)).await;
    assert!(start.elapsed() >= Duration::from_secs(3), "after {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_whose_create_was_not_answered_is_found_by_its_marker() {
    let lab = Lab::new(instant(lab_report())).await;
    // Another scan of the same name is not taken for it.
    check_completes(&lab, "first", []).await;
    let ended = check_completes(&lab, "dropped", [Fault::next(1, Operation::Create, Kind::DropAfter)]).await;
    let record = lab.record(&ended);
    assert_eq!((record.asked.of(Operation::Create), record.done.of(Operation::Create)), (1, 1));
    assert_eq!(lab.scanner.scans().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_whose_launch_was_not_answered_is_not_launched_again() {
    let settings = Settings { scan_duration: Duration::from_millis(500), ..instant(lab_report()) };
    let lab = Lab::new(settings).await;
    let ended = check_completes(&lab, "dropped", [Fault::next(1, Operation::Launch, Kind::DropAfter)]).await;
    assert_eq!(lab.record(&ended).asked.of(Operation::Launch), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_that_somebody_else_launched_is_adopted() {
    let settings = Settings { scan_duration: Duration::from_secs(4), ..instant(lab_report()) };
    let lab = Lab::new(settings).await;
    lab.scanner.set_faults([Fault::next(1, Operation::Launch, Kind::Latency { by: Duration::from_secs(3) })]);
    let id = lab.submitted().await;
    wait_until("the host's launch", || lab.scanner.records().asked.of(Operation::Launch) == 1).await;
    // The host's own launch still waits at the scanner: it will be answered with 409.
    let remote = lab.remote(&id).expect("it was created").id;
    let keys = fake_nessus::ApiKeys::default();
    let launch = lab.mcp.http().post(format!("{}/scans/{remote}/launch", lab.scanner.url()));
    let launch = launch.header("X-ApiKeys", format!("accessKey={}; secretKey={}", keys.access, keys.secret));
    assert!(launch.send().await.expect("the scanner answers").status().is_success());
    let ended = lab.ended(&id).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let record = lab.record(&ended);
    assert_eq!((record.asked.of(Operation::Launch), record.done.of(Operation::Launch)), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_refused_between_two_states_is_tried_again() {
    let lab = Lab::new(instant(lab_report())).await;
    check_completes(&lab, "409", [Fault::next(1, Operation::Launch, status(409))]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_at_any_request_is_opened_again() {
    let lab = Lab::with(instant(lab_report()), Access::Session, "").await;
    for operation in REQUESTS {
        let ended =
            check_completes(&lab, &format!("401 at {operation:?}"), [Fault::next(1, operation, status(401))]).await;
        assert_eq!(ended["attempts"], 1, "a new login is no failure: {ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_download_is_downloaded_again() {
    let lab = Lab::new(instant(lab_report())).await;
    for kind in [Kind::Truncate, Kind::TruncateChunked] {
        let ended = check_completes(&lab, "truncated", [Fault::next(2, Operation::Download, kind)]).await;
        let asked = lab.record(&ended).asked;
        assert_eq!(asked.of(Operation::Download), 3, "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_ends_in_an_error_is_ordered_again() {
    let lab = Lab::new(instant(lab_report())).await;
    let ended = check_completes(&lab, "export", [Fault::next(1, Operation::Export, Kind::ExportFails)]).await;
    assert_eq!(lab.record(&ended).done.of(Operation::Export), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_scanner_hands_out_its_export_by_token() {
    let lab = Lab::new(instant(lab_report())).await;
    let old = |operation| Fault { path: Some("/export/".to_owned()), ..Fault::every(1, operation, status(404)) };
    check_completes(&lab, "tokens", [Operation::ExportStatus, Operation::Download].map(old)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_that_comes_back_without_the_scan_has_lost_it() {
    let settings = endless();
    let mut lab = Lab::new(settings.clone()).await;
    let id = lab.submitted().await;
    let status = json!({ "task_id": id });
    wait_until("a launch", || lab.scanner.records().done.of(Operation::Launch) == 1).await;
    // No connection at all, which is another failure than a bad answer. What answers then knows nothing of the scan.
    let address = lab.scanner.address();
    lab.scanner.stop().await;
    let before = lab.mcp.ok("get_scan_status", status.clone()).await["attempts"].as_u64();
    let start = Instant::now();
    while lab.mcp.ok("get_scan_status", status.clone()).await["attempts"].as_u64() <= before {
        assert!(start.elapsed() < Duration::from_secs(30), "the host did not notice");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    lab.scanner = fake_nessus::FakeNessus::bind(address, settings).await.expect("the port is free");
    let ended = lab.mcp.ended(&id, Duration::from_secs(60)).await;
    assert_eq!(ended["error"]["code"], "remote_scan_lost", "{ended}");
}
