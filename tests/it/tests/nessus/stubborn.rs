//! A scanner that goes wrong again and again, with a host in a hurry: scans complete, and their status tells how often
//! they were tried; those without end are ended.

use std::time::Duration;

use fake_nessus::{Fault, Kind, Operation, Settings};
use scanhost_it::lab::{Access, Lab, endless, instant, lab_report, task_id, wait_until};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Each fault at a scanner of its own, all at the same time, since most of the time is waiting.
async fn check(faults: impl IntoIterator<Item = Fault>, attempts: u64) {
    let mut checks = JoinSet::new();
    for fault in faults {
        checks.spawn(async move {
            let name = format!("{fault:?}");
            let lab = Lab::hasty(instant(lab_report()), Access::Keys, "").await;
            let status = lab.scanned([fault]).await;
            assert_completed(&lab, &name, &status).await;
            assert_eq!(status["attempts"], attempts, "{name}: {status}");
        });
    }
    checks.join_all().await;
}

/// With one create, one launch, and the scanner's report.
async fn assert_completed(lab: &Lab, name: &str, status: &Value) {
    assert_eq!(status["status"], "completed", "{name}: {status}");
    let done = lab.record(status).done;
    assert_eq!((done.of(Operation::Create), done.of(Operation::Launch)), (1, 1), "{name}: {done:?}");
    assert!(lab.native_report(task_id(status)).await == lab_report(), "{name}: the report differs");
}

fn status(code: u16) -> Kind {
    Kind::Status { code: code.try_into().expect("a status") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_server_errors_in_a_row() {
    let operations = [Operation::Create, Operation::Launch, Operation::Status, Operation::Download];
    check(operations.map(|operation| Fault::next(10, operation, status(500))), 11).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_rate_limits_in_a_row() {
    let limited = Kind::RateLimited { retry_after: Duration::from_secs(1) };
    check([Fault::next(3, Operation::Launch, limited)], 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_never_answered() {
    let operations = [Operation::Create, Operation::Launch, Operation::Status, Operation::Export];
    check(operations.map(|operation| Fault::next(1, operation, Kind::Hang)), 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_whose_connection_is_dropped_after_it_was_done() {
    check([Fault::next(1, Operation::Launch, Kind::DropAfter)], 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_lost_at_every_third_request() {
    let settings =
        Settings { session_requests: Some(2), scan_duration: Duration::from_secs(1), ..instant(lab_report()) };
    let lab = Lab::hasty(settings, Access::Session, "").await;
    let status = lab.scanned([]).await;
    assert_completed(&lab, "sessions", &status).await;
    assert_eq!(status["attempts"], 1, "a new login is no failure: {status}");
    let logins = lab.scanner.records().done.of(Operation::Login);
    assert!(logins > 3, "{logins} logins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_whose_time_is_up_is_stopped_at_its_scanner() {
    let lab = Lab::with(endless(), Access::Keys, "").await;
    let id = lab.submitted().await;
    wait_until("the launch", || lab.scanner.records().done.of(Operation::Launch) == 1).await;
    lab.home.write("scanhost.yaml", "limits: {poll_seconds: 0.2, scan_hours: 0.0005}\n");
    let ended = lab.ended(&id).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("timeout"), &json!("timeout")), "{ended}");
    assert_eq!(lab.record(&ended).done.of(Operation::Stop), 1);
    assert_eq!(lab.remote(&id).expect("it is kept at the scanner").status, "canceled");
}
