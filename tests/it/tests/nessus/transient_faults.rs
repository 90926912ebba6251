//! Transient faults between host and scanner: the scan completes, and is neither created nor launched twice.

use std::time::{Duration, Instant};

use fake_nessus::{Fault, FaultKind, Operation, Settings};
use scanhost_it::testbed::{
    ScannerLogin, Testbed, endless_scans, four_host_report, instant_scans, task_id, wait_until,
};
use serde_json::{Value, json};

const REQUESTS: [Operation; 6] = [
    Operation::Create,
    Operation::Launch,
    Operation::Status,
    Operation::Export,
    Operation::ExportStatus,
    Operation::Download,
];

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code: code.try_into().expect("a status") }
}

/// Checks that a scan completes under these faults with one create, one launch, and the report of the scanner.
async fn check_completes(testbed: &Testbed, name: &str, faults: impl IntoIterator<Item = Fault>) -> Value {
    let status = testbed.run_scan_with_faults(faults).await;
    assert_eq!(status["status"], "completed", "{name}: {status}");
    assert_eq!(status["results_summary"]["total_vulnerabilities"], 40, "{name}: {status}");
    let executed = testbed.record(&status).executed;
    assert_eq!((executed.count(Operation::Create), executed.count(Operation::Launch)), (1, 1), "{name}: {executed:?}");
    assert!(testbed.native_report(task_id(&status)).await == four_host_report(), "{name}: the report differs");
    status
}

async fn check_each_request(kind: &FaultKind) {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    for operation in REQUESTS {
        check_completes(&testbed, &format!("{kind:?} at {operation:?}"), [Fault::next(1, operation, kind.clone())])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_completes_after_a_connection_dropped_before_the_scanner_acted() {
    check_each_request(&FaultKind::DropBefore).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_completes_after_a_connection_dropped_after_the_scanner_acted() {
    check_each_request(&FaultKind::DropAfter).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_completes_after_a_truncated_answer() {
    check_each_request(&FaultKind::Truncate).await;
    check_each_request(&FaultKind::TruncateChunked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_completes_after_several_server_errors() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    for operation in REQUESTS {
        let faults = [500, 502, 503].map(|code| Fault::next(1, operation, status(code)));
        let ended = check_completes(&testbed, &format!("5xx at {operation:?}"), faults).await;
        assert_eq!(ended["attempts"], 4, "{operation:?}: {ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_completes_when_every_fourth_request_fails() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    for kind in [FaultKind::DropBefore, status(503)] {
        let fault = Fault { operation: None, ..Fault::every(4, Operation::Status, kind.clone()) };
        check_completes(&testbed, &format!("{kind:?}"), [fault]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_waits_as_long_as_retry_after_says() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let limited = |operation| Fault::next(1, operation, FaultKind::RateLimited { retry_after: Duration::from_secs(1) });
    let start = Instant::now();
    check_completes(&testbed, "429", [Operation::Create, Operation::Launch, Operation::Download].map(limited)).await;
    assert!(start.elapsed() >= Duration::from_secs(3), "after {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_whose_create_was_not_answered_is_found_by_its_marker() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    // The host must not mistake this other scan of the same name for the lost one.
    check_completes(&testbed, "first", []).await;
    let ended = check_completes(&testbed, "dropped", [Fault::next(1, Operation::Create, FaultKind::DropAfter)]).await;
    let record = testbed.record(&ended);
    assert_eq!((record.received.count(Operation::Create), record.executed.count(Operation::Create)), (1, 1));
    assert_eq!(testbed.scanner.scans().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_whose_launch_was_not_answered_is_not_launched_again() {
    let settings = Settings { scan_duration: Duration::from_millis(500), ..instant_scans(four_host_report()) };
    let testbed = Testbed::new(settings).await;
    let ended = check_completes(&testbed, "dropped", [Fault::next(1, Operation::Launch, FaultKind::DropAfter)]).await;
    assert_eq!(testbed.record(&ended).received.count(Operation::Launch), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn launch_conflict_continues_with_the_running_scan() {
    let settings = Settings { scan_duration: Duration::from_secs(4), ..instant_scans(four_host_report()) };
    let testbed = Testbed::new(settings).await;
    testbed.scanner.set_faults([Fault::next(1, Operation::Launch, FaultKind::Latency { by: Duration::from_secs(3) })]);
    let id = testbed.submit().await;
    wait_until("the host's launch", || testbed.scanner.records().received.count(Operation::Launch) == 1).await;
    // The scanner delays the host's launch, and will answer it with 409.
    let remote = testbed.remote_scan(&id).expect("the scan was created").id;
    let keys = fake_nessus::ApiKeys::default();
    let launch = testbed.mcp.http().post(format!("{}/scans/{remote}/launch", testbed.scanner.url()));
    let launch = launch.header("X-ApiKeys", format!("accessKey={}; secretKey={}", keys.access, keys.secret));
    assert!(launch.send().await.expect("the scanner answers").status().is_success());
    let ended = testbed.wait_for_end(&id).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let record = testbed.record(&ended);
    assert_eq!((record.received.count(Operation::Launch), record.executed.count(Operation::Launch)), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn launch_refused_with_409_is_retried() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    check_completes(&testbed, "409", [Fault::next(1, Operation::Launch, status(409))]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_session_is_renewed_at_every_request() {
    let testbed = Testbed::with_login(instant_scans(four_host_report()), ScannerLogin::Session, "").await;
    for operation in REQUESTS {
        let ended =
            check_completes(&testbed, &format!("401 at {operation:?}"), [Fault::next(1, operation, status(401))]).await;
        assert_eq!(ended["attempts"], 1, "a new login is not a new attempt: {ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncated_download_is_repeated() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    for kind in [FaultKind::Truncate, FaultKind::TruncateChunked] {
        let ended = check_completes(&testbed, "truncated", [Fault::next(2, Operation::Download, kind)]).await;
        let received = testbed.record(&ended).received;
        assert_eq!(received.count(Operation::Download), 3, "{received:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_export_is_requested_again() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let ended = check_completes(&testbed, "export", [Fault::next(1, Operation::Export, FaultKind::ExportFails)]).await;
    assert_eq!(testbed.record(&ended).executed.count(Operation::Export), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_of_an_older_scanner_is_fetched_by_token() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let old = |operation| Fault { path: Some("/export/".to_owned()), ..Fault::every(1, operation, status(404)) };
    check_completes(&testbed, "tokens", [Operation::ExportStatus, Operation::Download].map(old)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_unknown_to_a_restarted_scanner_is_lost() {
    let settings = endless_scans();
    let mut testbed = Testbed::new(settings.clone()).await;
    let id = testbed.submit().await;
    let status = json!({ "task_id": id });
    wait_until("a launch", || testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    // The scanner refuses connections for a while, and then another one answers at its address that has no scans.
    let address = testbed.scanner.address();
    testbed.scanner.stop().await;
    let before = testbed.mcp.call_ok("get_scan_status", status.clone()).await["attempts"].as_u64();
    let start = Instant::now();
    while testbed.mcp.call_ok("get_scan_status", status.clone()).await["attempts"].as_u64() <= before {
        assert!(start.elapsed() < Duration::from_secs(30), "the host did not retry");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    testbed.scanner = fake_nessus::FakeNessus::bind(address, settings).await.expect("the port is free");
    let ended = testbed.mcp.wait_for_end(&id, Duration::from_secs(60)).await;
    assert_eq!(ended["error"]["code"], "remote_scan_lost", "{ended}");
}
