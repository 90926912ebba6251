//! A scanner that fails repeatedly, and a host with short timeouts: scans complete, and their status has the number of
//! attempts.

use std::time::Duration;

use fake_nessus::{Fault, FaultKind, Operation, Settings};
use scanhost_it::testbed::{
    ScannerLogin, Testbed, endless_scans, four_host_report, instant_scans, task_id, wait_until,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Checks that a scan completes after this number of attempts, for each fault at a scanner of its own. The scans run at
/// the same time, since they mostly wait.
async fn check_attempts(faults: impl IntoIterator<Item = Fault>, attempts: u64) {
    let mut checks = JoinSet::new();
    for fault in faults {
        checks.spawn(async move {
            let name = format!("{fault:?}");
            let testbed =
                Testbed::with_short_timeouts(instant_scans(four_host_report()), ScannerLogin::ApiKeys, "").await;
            let status = testbed.run_scan_with_faults([fault]).await;
            assert_completed(&testbed, &name, &status).await;
            assert_eq!(status["attempts"], attempts, "{name}: {status}");
        });
    }
    checks.join_all().await;
}

/// Checks that the scan has completed with one create, one launch, and the report of the scanner.
async fn assert_completed(testbed: &Testbed, name: &str, status: &Value) {
    assert_eq!(status["status"], "completed", "{name}: {status}");
    let executed = testbed.record(status).executed;
    assert_eq!((executed.count(Operation::Create), executed.count(Operation::Launch)), (1, 1), "{name}: {executed:?}");
    assert!(testbed.native_report(task_id(status)).await == four_host_report(), "{name}: the report differs");
}

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code: code.try_into().expect("a status") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_completes_after_ten_server_errors_in_a_row() {
    let operations = [Operation::Create, Operation::Launch, Operation::Status, Operation::Download];
    check_attempts(operations.map(|operation| Fault::next(10, operation, status(500))), 11).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_completes_after_three_rate_limits_in_a_row() {
    let limited = FaultKind::RateLimited { retry_after: Duration::from_secs(1) };
    check_attempts([Fault::next(3, Operation::Launch, limited)], 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_completes_after_a_request_without_an_answer() {
    let operations = [Operation::Create, Operation::Launch, Operation::Status, Operation::Export];
    check_attempts(operations.map(|operation| Fault::next(1, operation, FaultKind::Hang)), 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_completes_after_a_launch_whose_answer_was_lost() {
    check_attempts([Fault::next(1, Operation::Launch, FaultKind::DropAfter)], 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_completes_with_a_session_that_expires_at_every_third_request() {
    let settings = Settings {
        session_requests: Some(2),
        scan_duration: Duration::from_secs(1),
        ..instant_scans(four_host_report())
    };
    let testbed = Testbed::with_short_timeouts(settings, ScannerLogin::Session, "").await;
    let status = testbed.run_scan_with_faults([]).await;
    assert_completed(&testbed, "sessions", &status).await;
    assert_eq!(status["attempts"], 1, "a new login is not a new attempt: {status}");
    let logins = testbed.scanner.records().executed.count(Operation::Login);
    assert!(logins > 3, "{logins} logins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timed_out_scan_is_stopped_at_the_scanner() {
    let testbed = Testbed::with_login(endless_scans(), ScannerLogin::ApiKeys, "").await;
    let id = testbed.submit().await;
    wait_until("the launch", || testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    testbed.home.write("scanhost.yaml", "limits: {poll_seconds: 0.2, scan_hours: 0.0005}\n");
    let ended = testbed.wait_for_end(&id).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("timeout"), &json!("timeout")), "{ended}");
    assert_eq!(testbed.record(&ended).executed.count(Operation::Stop), 1);
    assert_eq!(testbed.remote_scan(&id).expect("the scanner keeps the scan").status, "canceled");
}
