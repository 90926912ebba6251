//! Ending scans early, and removing them.

use std::time::Duration;

use fake_nessus::{Fault, Kind, Operation};
use scanhost_it::{
    lab::{Lab, endless, instant, lab_report, scanners, task_id, wait_until},
    raw::submit,
    server::Home,
};
use serde_json::{Value, json};
use tokio::time::timeout;

/// A lab with one running scan.
async fn with_running_scan() -> (Lab, String) {
    let lab = Lab::new(endless()).await;
    let id = lab.submitted().await;
    wait_until("the launch", || lab.scanner.records().done.of(Operation::Launch) == 1).await;
    (lab, id)
}

fn remote_state(lab: &Lab, id: &str) -> String {
    lab.remote(id).expect("the scan is kept at the scanner").status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_a_running_scan_stops_it_at_the_scanner() {
    let (lab, id) = with_running_scan().await;
    lab.mcp.ok("cancel_scan", json!({ "task_id": id })).await;
    let status = lab.ended(&id).await;
    assert_eq!(status["status"], "cancelled", "{status}");
    assert_eq!(remote_state(&lab, &id), "canceled");
    assert_eq!(lab.record(&status).done.of(Operation::Stop), 1);
    let (code, ..) = lab.mcp.refused("get_scan_results", json!({ "task_id": id })).await;
    assert_eq!(code, "conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_fails_at_first_is_tried_again() {
    for kind in [Kind::DropBefore, Kind::DropAfter, Kind::Status { code: 503.try_into().expect("a status") }] {
        let (lab, id) = with_running_scan().await;
        lab.scanner.set_faults([Fault::next(1, Operation::Stop, kind.clone())]);
        lab.mcp.ok("cancel_scan", json!({ "task_id": id })).await;
        assert_eq!(lab.ended(&id).await["status"], "cancelled", "{kind:?}");
        assert_eq!(remote_state(&lab, &id), "canceled", "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_cancelled_while_it_is_created_is_never_launched() {
    let lab = Lab::new(endless()).await;
    lab.scanner.set_faults([Fault::every(1, Operation::Create, Kind::DropAfter), hang(Operation::List)]);
    let id = lab.submitted().await;
    // One list is the housekeeping's, which looks for what no task owns when the host starts.
    wait_until("the search for the created scan", || lab.scanner.records().asked.of(Operation::List) > 1).await;
    lab.scanner.set_faults([]);
    lab.mcp.ok("cancel_scan", json!({ "task_id": id })).await;
    let status = lab.ended(&id).await;
    assert_eq!(status["status"], "cancelled", "{status}");
    let done = lab.record(&status).done;
    assert_eq!((done.of(Operation::Create), done.of(Operation::Launch)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_that_never_reached_its_scanner_says_so_and_is_cancelled_at_once() {
    // The port of TCPMUX, where nobody listens.
    let home = Home::new(&[("scanners.yaml", &scanners("http://127.0.0.1:1", "{access_key: a, secret_key: b}"))]);
    let server = home.start();
    let mcp = server.mcp();
    let id = submit(&mcp, json!({ "targets": "10.20.0.11" })).await;
    let warned = async {
        loop {
            let status = mcp.ok("get_scan_status", json!({ "task_id": id })).await;
            if status["warnings"].is_array() {
                return status;
            }
        }
    };
    let status = timeout(Duration::from_secs(30), warned).await.expect("a first try");
    assert_eq!((&status["status"], &status["warnings"][0]["code"]), (&json!("running"), &json!("scanner_unavailable")));
    let why = status["warnings"][0]["message"].as_str().expect("a message");
    assert!(why.contains("refused") && why.ends_with("this is tried again"), "{why}");
    mcp.ok("cancel_scan", json!({ "task_id": id })).await;
    // Stopping a scan that there may be is tried for a minute.
    let ended = mcp.ended(&id, Duration::from_secs(20)).await;
    assert_eq!((&ended["status"], &ended["warnings"]), (&json!("cancelled"), &Value::Null), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_whose_scanner_works_again_warns_no_more() {
    let slow = fake_nessus::Settings { export_duration: Duration::from_secs(3600), ..instant(lab_report()) };
    let lab = Lab::new(slow).await;
    let away = Kind::Status { code: 503.try_into().expect("a status") };
    lab.scanner.set_faults([Fault::next(1, Operation::Export, away)]);
    let id = lab.submitted().await;
    wait_until("steps that work", || lab.scanner.records().asked.of(Operation::ExportStatus) > 1).await;
    let status = lab.mcp.ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!((&status["status"], &status["warnings"]), (&json!("running"), &Value::Null), "{status}");
    assert_eq!(lab.scanner.records().asked.of(Operation::Export), 2, "the first one failed");
}

fn hang(operation: Operation) -> Fault {
    Fault::every(1, operation, Kind::Hang)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_that_has_ended_cannot_be_cancelled() {
    let lab = Lab::new(instant(lab_report())).await;
    let status = lab.scanned([]).await;
    let (code, ..) = lab.mcp.refused("cancel_scan", json!({ "task_id": task_id(&status) })).await;
    assert_eq!(code, "conflict");
    assert_eq!(lab.record(&status).asked.of(Operation::Stop), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_a_running_scan_needs_force_and_stops_it() {
    let (lab, id) = with_running_scan().await;
    let (code, _, hint) = lab.mcp.refused("delete_scan", json!({ "task_id": id })).await;
    assert_eq!(code, "conflict");
    assert!(hint.contains("force"), "{hint}");
    assert_eq!(remote_state(&lab, &id), "running");
    lab.mcp.ok("delete_scan", json!({ "task_id": id, "force": true })).await;
    let (code, ..) = lab.mcp.refused("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(code, "not_found");
    assert_eq!(lab.scanner.records().of(&id).done.of(Operation::Stop), 1);
    assert!(lab.remote(&id).is_none_or(|remote| remote.status == "canceled"));
    assert!(!lab.home.data().join("tasks").join(&id).exists(), "its files are gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_an_ended_scan_removes_its_files() {
    let lab = Lab::new(instant(lab_report())).await;
    // Several times, and each at once: whoever writes the scan's last file must not get into the way.
    for _ in 0..5 {
        let status = lab.scanned([]).await;
        let id = task_id(&status);
        let folder = lab.home.data().join("tasks").join(id);
        assert!(folder.join("scan_native.nessus").exists() && folder.join("task.json").exists());
        lab.mcp.ok("delete_scan", json!({ "task_id": id })).await;
        assert!(!folder.exists(), "its files are gone");
        for tool in ["get_scan_status", "get_scan_results", "download_native_scan", "delete_scan"] {
            assert_eq!(lab.mcp.refused(tool, json!({ "task_id": id })).await.0, "not_found", "{tool}");
        }
    }
}
