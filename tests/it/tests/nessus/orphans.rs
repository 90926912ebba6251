//! What is left at the scanner and belongs to no task any more is stopped and removed, and nothing else.

use std::fs;

use fake_nessus::{ApiKeys, Fault, Kind, Operation, Settings};
use scanhost_it::lab::{Access, Lab, endless, wait_until};
use serde_json::{Value, json};

/// Rounds of the housekeeping follow each other within seconds.
const ROUNDS: &str = "retention: {failed_days: 0.0001}\n";

/// There was never such a task.
const UNKNOWN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Makes a scan at the scanner as somebody else would.
async fn make(lab: &Lab, name: &str, launches: bool) -> u64 {
    let ApiKeys { access, secret } = ApiKeys::default();
    let settings = json!({ "name": name, "text_targets": "10.20.0.11", "enabled": true, "launch_now": launches });
    let request = lab.mcp.http().post(format!("{}/scans", lab.scanner.url()));
    let request = request.header("x-apikeys", format!("accessKey={access}; secretKey={secret}"));
    let request = request.json(&json!({ "uuid": Settings::default().advanced_template, "settings": settings }));
    let answer = request.send().await.expect("the scanner answers").text().await.expect("text");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    answer["scan"]["id"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

fn ids(lab: &Lab) -> Vec<u64> {
    lab.scanner.scans().into_iter().map(|scan| scan.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_belongs_to_no_task_is_removed() {
    let lab = Lab::with(endless(), Access::Keys, ROUNDS).await;
    let task = lab.submitted().await;
    wait_until("the launch", || lab.scanner.records().done.of(Operation::Launch) == 1).await;
    lab.mcp.ok("cancel_scan", json!({ "task_id": task })).await;
    assert_eq!(lab.ended(&task).await["status"], "cancelled");
    let own = lab.remote(&task).expect("it is kept at the scanner").id;

    let ours = fs::read_to_string(lab.home.data().join("installation")).expect("it was made");
    let ours = ours.trim();
    let mut kept = vec![own];
    for (name, launches) in [
        ("by hand".to_owned(), false),
        (format!("of another installation [scanhost 0123456789abcdef {UNKNOWN}]"), false),
        (format!("named like ours [scanhost {ours} by hand]"), false),
        (format!("a copy of ours [scanhost {ours} {UNKNOWN}] copy"), false),
        ("by hand, and it runs".to_owned(), true),
    ] {
        kept.push(make(&lab, &name, launches).await);
    }
    let removed = [
        make(&lab, &format!("its task is gone [scanhost {ours} {UNKNOWN}]"), false).await,
        make(&lab, &format!("its task has another [scanhost {ours} {task}]"), false).await,
    ];
    let runs_on = make(&lab, &format!("it runs [scanhost {ours} {UNKNOWN}]"), true).await;
    wait_until("two orphans are gone", || removed.iter().all(|id| !ids(&lab).contains(id))).await;
    // Two more rounds, in which everything else is looked at again.
    let last = make(&lab, &format!("[scanhost {ours} {UNKNOWN}]"), false).await;
    wait_until("the last orphan is gone", || !ids(&lab).contains(&last)).await;
    wait_until("what ran on is gone", || !ids(&lab).contains(&runs_on)).await;
    assert_eq!(lab.scanner.records().done.of(Operation::Stop), 2, "the cancelled scan's, and of what ran on");
    assert_eq!(ids(&lab), kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_that_cannot_be_stopped_when_it_ends_is_stopped_later() {
    let lab = Lab::hasty(endless(), Access::Keys, ROUNDS).await;
    let task = lab.submitted().await;
    wait_until("the launch", || lab.scanner.records().done.of(Operation::Launch) == 1).await;
    let refused = Kind::Status { code: 500.try_into().expect("a status") };
    lab.scanner.set_faults([Fault::every(1, Operation::Stop, refused)]);
    lab.mcp.ok("cancel_scan", json!({ "task_id": task })).await;
    assert_eq!(lab.ended(&task).await["status"], "cancelled");
    let state = || lab.remote(&task).expect("it is kept at the scanner").status;
    assert_eq!(state(), "running");
    lab.scanner.set_faults([]);
    wait_until("the scanner to stop it", || state() == "canceled").await;
}
