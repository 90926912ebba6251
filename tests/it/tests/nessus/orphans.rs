//! Orphans, which are remote scans of this installation that belong to no task, are stopped and removed, and no other
//! remote scan is.

use std::fs;

use fake_nessus::{ApiKeys, Fault, FaultKind, Operation, Settings};
use scanhost_it::testbed::{ScannerLogin, Testbed, endless_scans, wait_until};
use serde_json::{Value, json};

/// A retention so short that the housekeeping runs every few seconds.
const RETENTION: &str = "retention: {failed_days: 0.0001}\n";

/// The id of a task that never existed.
const UNKNOWN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Creates a remote scan without the host, and returns its id.
async fn create_idle(testbed: &Testbed, name: &str) -> u64 {
    create(testbed, name, false).await
}

/// Creates and launches a remote scan without the host, and returns its id.
async fn create_running(testbed: &Testbed, name: &str) -> u64 {
    create(testbed, name, true).await
}

async fn create(testbed: &Testbed, name: &str, launch_now: bool) -> u64 {
    let ApiKeys { access, secret } = ApiKeys::default();
    let settings = json!({ "name": name, "text_targets": "10.20.0.11", "enabled": true, "launch_now": launch_now });
    let request = testbed.mcp.http().post(format!("{}/scans", testbed.scanner.url()));
    let request = request.header("x-apikeys", format!("accessKey={access}; secretKey={secret}"));
    let request = request.json(&json!({ "uuid": Settings::default().advanced_template, "settings": settings }));
    let answer = request.send().await.expect("the scanner answers").text().await.expect("text");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    answer["scan"]["id"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

fn remote_ids(testbed: &Testbed) -> Vec<u64> {
    testbed.scanner.scans().into_iter().map(|scan| scan.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_orphans_are_removed() {
    let testbed = Testbed::with_login(endless_scans(), ScannerLogin::ApiKeys, RETENTION).await;
    let task = testbed.submit().await;
    wait_until("the launch", || testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    testbed.mcp.call_ok("cancel_scan", json!({ "task_id": task })).await;
    assert_eq!(testbed.wait_for_end(&task).await["status"], "cancelled");
    let own = testbed.remote_scan(&task).expect("the scanner keeps the scan").id;

    let ours = fs::read_to_string(testbed.home.data().join("installation")).expect("the host has written it");
    let ours = ours.trim();
    let mut kept = vec![own];
    for name in [
        "by hand".to_owned(),
        format!("of another installation [scanhost 0123456789abcdef {UNKNOWN}]"),
        format!("named like ours [scanhost {ours} by hand]"),
        format!("a copy of ours [scanhost {ours} {UNKNOWN}] copy"),
    ] {
        kept.push(create_idle(&testbed, &name).await);
    }
    kept.push(create_running(&testbed, "by hand, and it runs").await);
    let removed = [
        create_idle(&testbed, &format!("its task is gone [scanhost {ours} {UNKNOWN}]")).await,
        create_idle(&testbed, &format!("its task has another [scanhost {ours} {task}]")).await,
    ];
    let running = create_running(&testbed, &format!("it runs [scanhost {ours} {UNKNOWN}]")).await;
    wait_until("two orphans to be removed", || removed.iter().all(|id| !remote_ids(&testbed).contains(id))).await;
    // The housekeeping runs twice more, and considers all other remote scans again.
    let last = create_idle(&testbed, &format!("[scanhost {ours} {UNKNOWN}]")).await;
    wait_until("the last orphan to be removed", || !remote_ids(&testbed).contains(&last)).await;
    wait_until("the running orphan to be removed", || !remote_ids(&testbed).contains(&running)).await;
    assert_eq!(
        testbed.scanner.records().executed.count(Operation::Stop),
        2,
        "the cancelled scan and the running orphan are stopped"
    );
    assert_eq!(remote_ids(&testbed), kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_stop_of_a_cancelled_scan_is_repeated_later() {
    let testbed = Testbed::with_short_timeouts(endless_scans(), ScannerLogin::ApiKeys, RETENTION).await;
    let task = testbed.submit().await;
    wait_until("the launch", || testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    let refused = FaultKind::Status { code: 500.try_into().expect("a status") };
    testbed.scanner.set_faults([Fault::every(1, Operation::Stop, refused)]);
    testbed.mcp.call_ok("cancel_scan", json!({ "task_id": task })).await;
    assert_eq!(testbed.wait_for_end(&task).await["status"], "cancelled");
    let state = || testbed.remote_scan(&task).expect("the scanner keeps the scan").status;
    assert_eq!(state(), "running");
    testbed.scanner.set_faults([]);
    wait_until("the scanner to stop it", || state() == "canceled").await;
}
