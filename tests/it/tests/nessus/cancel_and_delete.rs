//! Cancelling and deleting scans.

use std::time::Duration;

use fake_nessus::{Fault, FaultKind, Operation};
use scanhost_it::{
    scans::submit,
    server::Home,
    testbed::{Testbed, endless_scans, four_host_report, instant_scans, nessus_scanners_yaml, task_id, wait_until},
};
use serde_json::{Value, json};
use tokio::time::timeout;

/// A testbed with one running scan, and the task id of the scan.
async fn with_running_scan() -> (Testbed, String) {
    let testbed = Testbed::new(endless_scans()).await;
    let id = testbed.submit().await;
    wait_until("the launch", || testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    (testbed, id)
}

fn remote_state(testbed: &Testbed, id: &str) -> String {
    testbed.remote_scan(id).expect("the scanner keeps the scan").status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_a_running_scan_stops_it_at_the_scanner() {
    let (testbed, id) = with_running_scan().await;
    testbed.mcp.call_ok("cancel_scan", json!({ "task_id": id })).await;
    let status = testbed.wait_for_end(&id).await;
    assert_eq!(status["status"], "cancelled", "{status}");
    assert_eq!(remote_state(&testbed, &id), "canceled");
    assert_eq!(testbed.record(&status).executed.count(Operation::Stop), 1);
    let (code, ..) = testbed.mcp.call_refused("get_scan_results", json!({ "task_id": id })).await;
    assert_eq!(code, "conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_stop_is_retried() {
    for kind in
        [FaultKind::DropBefore, FaultKind::DropAfter, FaultKind::Status { code: 503.try_into().expect("a status") }]
    {
        let (testbed, id) = with_running_scan().await;
        testbed.scanner.set_faults([Fault::next(1, Operation::Stop, kind.clone())]);
        testbed.mcp.call_ok("cancel_scan", json!({ "task_id": id })).await;
        assert_eq!(testbed.wait_for_end(&id).await["status"], "cancelled", "{kind:?}");
        assert_eq!(remote_state(&testbed, &id), "canceled", "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_cancelled_during_create_is_never_launched() {
    let testbed = Testbed::new(endless_scans()).await;
    testbed.scanner.set_faults([Fault::every(1, Operation::Create, FaultKind::DropAfter), hang(Operation::List)]);
    let id = testbed.submit().await;
    // At its start the host lists the remote scans for its housekeeping and for its check of the login.
    wait_until("the search for the created scan", || testbed.scanner.records().received.count(Operation::List) > 2)
        .await;
    testbed.scanner.set_faults([]);
    testbed.mcp.call_ok("cancel_scan", json!({ "task_id": id })).await;
    let status = testbed.wait_for_end(&id).await;
    assert_eq!(status["status"], "cancelled", "{status}");
    let executed = testbed.record(&status).executed;
    assert_eq!((executed.count(Operation::Create), executed.count(Operation::Launch)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_of_an_unreachable_scanner_warns_and_is_cancelled_at_once() {
    // Nothing listens on the port of TCPMUX.
    let home =
        Home::new(&[("scanners.yaml", &nessus_scanners_yaml("http://127.0.0.1:1", "{access_key: a, secret_key: b}"))]);
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp, json!({ "targets": "10.20.0.11" })).await;
    let wait_for_warning = async {
        loop {
            let status = mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
            if status["warnings"].is_array() {
                return status;
            }
        }
    };
    let status = timeout(Duration::from_secs(30), wait_for_warning).await.expect("the first attempt fails");
    assert_eq!((&status["status"], &status["warnings"][0]["code"]), (&json!("running"), &json!("scanner_unavailable")));
    let message = status["warnings"][0]["message"].as_str().expect("a message");
    assert!(message.contains("refused") && message.ends_with("the host tries again"), "{message}");
    mcp.call_ok("cancel_scan", json!({ "task_id": id })).await;
    // If the scan might exist at the scanner, the host would try to stop it for a minute.
    let ended = mcp.wait_for_end(&id, Duration::from_secs(20)).await;
    assert_eq!((&ended["status"], &ended["warnings"]), (&json!("cancelled"), &Value::Null), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn warning_ends_when_the_scanner_works_again() {
    let slow =
        fake_nessus::Settings { export_duration: Duration::from_secs(3600), ..instant_scans(four_host_report()) };
    let testbed = Testbed::new(slow).await;
    let unavailable = FaultKind::Status { code: 503.try_into().expect("a status") };
    testbed.scanner.set_faults([Fault::next(1, Operation::Export, unavailable)]);
    let id = testbed.submit().await;
    wait_until("a step that succeeds", || testbed.scanner.records().received.count(Operation::ExportStatus) > 1).await;
    let status = testbed.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!((&status["status"], &status["warnings"]), (&json!("running"), &Value::Null), "{status}");
    assert_eq!(testbed.scanner.records().received.count(Operation::Export), 2, "the first export failed");
}

fn hang(operation: Operation) -> Fault {
    Fault::every(1, operation, FaultKind::Hang)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_scan_cannot_be_cancelled() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let status = testbed.run_scan_with_faults([]).await;
    let (code, ..) = testbed.mcp.call_refused("cancel_scan", json!({ "task_id": task_id(&status) })).await;
    assert_eq!(code, "conflict");
    assert_eq!(testbed.record(&status).received.count(Operation::Stop), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_a_running_scan_needs_force_and_stops_it() {
    let (testbed, id) = with_running_scan().await;
    let (code, _, hint) = testbed.mcp.call_refused("delete_scan", json!({ "task_id": id })).await;
    assert_eq!(code, "conflict");
    assert!(hint.contains("force"), "{hint}");
    assert_eq!(remote_state(&testbed, &id), "running");
    testbed.mcp.call_ok("delete_scan", json!({ "task_id": id, "force": true })).await;
    let (code, ..) = testbed.mcp.call_refused("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(code, "not_found");
    assert_eq!(testbed.scanner.records().record(&id).executed.count(Operation::Stop), 1);
    assert!(testbed.remote_scan(&id).is_none_or(|remote| remote.status == "canceled"));
    assert!(!testbed.home.data().join("tasks").join(&id).exists(), "the files are removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_an_ended_scan_removes_its_files() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    // The scan is deleted as soon as it has ended, five times, since the host may still be writing its last file.
    for _ in 0..5 {
        let status = testbed.run_scan_with_faults([]).await;
        let id = task_id(&status);
        let folder = testbed.home.data().join("tasks").join(id);
        assert!(folder.join("scan_native.nessus").exists() && folder.join("task.json").exists());
        testbed.mcp.call_ok("delete_scan", json!({ "task_id": id })).await;
        assert!(!folder.exists(), "the files are removed");
        for tool in ["get_scan_status", "get_scan_results", "download_native_scan", "delete_scan"] {
            assert_eq!(testbed.mcp.call_refused(tool, json!({ "task_id": id })).await.0, "not_found", "{tool}");
        }
    }
}
