//! Orphans, which are remote scans of this installation that belong to no task, are reported and left as they are. Only
//! what this store's own tasks have left is stopped and removed, and nothing at all by a store that is in doubt.

use std::fs;

use fake_nessus::{ApiKeys, Fault, FaultKind, Operation, Settings};
use scanhost_it::{
    output::Output,
    scrape::Scrape,
    server::Home,
    testbed::{SCAN_TIMEOUT, ScannerLogin, Testbed, endless_scans, four_host_report, instant_scans, wait_until},
};
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

/// The orphans that `scanhost orphans list` shows, as their ids at the scanner.
fn listed_orphans(testbed: &Testbed) -> Vec<u64> {
    let listed = orphans(&testbed.home, &["list", "--json"]);
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let id = |orphan: &Value| orphan["orphan"].as_str().expect("a name").rsplit('/').next()?.parse().ok();
    listed["orphans"].as_array().expect("a list").iter().filter_map(id).collect()
}

/// What `scanhost orphans` prints with these arguments.
fn orphans(home: &Home, arguments: &[&str]) -> String {
    let mut command = home.command(&[&["orphans"], arguments].concat());
    command.arg("--config").arg(home.config());
    let output = Output::run(command);
    assert_eq!(output.code, Some(0), "{arguments:?}: {}", output.stderr);
    output.stdout
}

/// How often the scanner was asked to stop, to move and to delete a scan.
fn harm(testbed: &Testbed) -> [u64; 3] {
    let received = testbed.scanner.records().received;
    [Operation::Stop, Operation::Move, Operation::Delete].map(|operation| received.count(operation))
}

fn installation(home: &Home) -> String {
    fs::read_to_string(home.data().join("installation")).expect("the host has written it").trim().to_owned()
}

/// Waits until the housekeeping has looked at the scanner twice more.
async fn two_rounds(testbed: &Testbed) {
    let lists = || testbed.scanner.records().received.count(Operation::List);
    let before = lists();
    wait_until("two rounds of the housekeeping", || lists() >= before + 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_that_no_task_owns_are_reported_and_left_as_they_are() {
    let testbed = Testbed::with_login(endless_scans(), ScannerLogin::ApiKeys, RETENTION).await;
    let task = testbed.submit().await;
    wait_until("the launch", || testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    testbed.mcp.call_ok("cancel_scan", json!({ "task_id": task })).await;
    assert_eq!(testbed.wait_for_end(&task).await["status"], "cancelled");
    let harm_before = harm(&testbed);

    let ours = installation(&testbed.home);
    for name in [
        "by hand".to_owned(),
        format!("of another installation [scanhost 0123456789abcdef {UNKNOWN}]"),
        format!("named like ours [scanhost {ours} by hand]"),
        format!("a renamed copy of ours [scanhost {ours} {UNKNOWN}] copy"),
    ] {
        create_idle(&testbed, &name).await;
    }
    create_running(&testbed, "by hand, and it runs").await;
    let idle = create_idle(&testbed, &format!("its task is unknown [scanhost {ours} {UNKNOWN}]")).await;
    let expected = vec![
        idle,
        create_idle(&testbed, &format!("a copy of the task's own [scanhost {ours} {task}]")).await,
        create_running(&testbed, &format!("a running copy [scanhost {ours} {task}]")).await,
        create_running(&testbed, &format!("it runs, its task is unknown [scanhost {ours} {UNKNOWN}]")).await,
    ];
    let all = remote_ids(&testbed);
    assert_eq!(listed_orphans(&testbed), expected);
    two_rounds(&testbed).await;
    two_rounds(&testbed).await;
    assert_eq!(remote_ids(&testbed), all);
    assert_eq!(harm(&testbed), harm_before);
    let metrics = Scrape::fetch(&testbed.mcp, testbed.server.url(), "").await;
    assert_eq!(metrics.value(r#"scanhost_orphans{instance="lab",pool="nessus"}"#), Some(4.0));
    assert_eq!(metrics.value("scanhost_store_trusted"), Some(1.0), "an old orphan raises no doubt");

    let name = format!("nessus/lab/{idle}");
    assert!(orphans(&testbed.home, &["remove", &name, "--yes"]).contains(&name));
    assert!(!remote_ids(&testbed).contains(&idle), "an operator may remove it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_task_takes_its_remote_scan_along() {
    let testbed = Testbed::with_login(instant_scans(four_host_report()), ScannerLogin::ApiKeys, RETENTION).await;
    let task = testbed.submit().await;
    assert_eq!(testbed.wait_for_end(&task).await["status"], "completed");
    let copy = create_idle(&testbed, &format!("a copy [scanhost {} {task}]", installation(&testbed.home))).await;
    let own = testbed.remote_scan(&task).expect("the scanner keeps the scan").id;
    testbed.mcp.call_ok("delete_scan", json!({ "task_id": task })).await;
    wait_until("the task's own scan to be removed", || !remote_ids(&testbed).contains(&own)).await;
    two_rounds(&testbed).await;
    assert_eq!(remote_ids(&testbed), [copy], "a copy is not the task's own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_on_a_copy_of_the_data_folder_stops_and_removes_nothing_until_it_is_trusted() {
    let testbed = Testbed::with_login(endless_scans(), ScannerLogin::ApiKeys, RETENTION).await;
    let ended = testbed.submit().await;
    wait_until("the launch", || testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    testbed.mcp.call_ok("cancel_scan", json!({ "task_id": ended })).await;
    testbed.wait_for_end(&ended).await;
    let running = testbed.submit().await;
    wait_until("the second launch", || testbed.scanner.records().executed.count(Operation::Launch) == 2).await;
    let harm_before = harm(&testbed);

    // The original goes on while the copy runs beside it, with a time limit that is over at once.
    let copy = copy_of(&testbed.home, "limits: {poll_seconds: 0.2, scan_hours: 0.002}\n");
    let later = testbed.submit().await;
    wait_until("the third launch", || testbed.scanner.records().executed.count(Operation::Launch) == 3).await;
    let server = copy.start();
    let mcp = server.mcp();
    let ready = server.ready().await;
    assert_eq!((&ready["status"], &ready["trust"]["ok"]), (&json!("degraded"), &json!(false)), "{ready}");
    assert_eq!(mcp.wait_for_end(&running, SCAN_TIMEOUT).await["status"], "timeout");
    mcp.call_ok("delete_scan", json!({ "task_id": ended })).await;
    two_rounds(&testbed).await;
    two_rounds(&testbed).await;
    assert_eq!(harm(&testbed), harm_before, "the copy touches nothing");
    for task in [&running, &later] {
        assert_eq!(testbed.remote_scan(task).expect("it is there").status, "running");
    }
    // What a caller cancels is stopped, since a person wants that.
    let own = mcp.call_ok("run_untrusted_scan", json!({ "targets": "10.20.0.11", "name": "of the copy" })).await;
    let own = own["task_id"].as_str().expect("an id").to_owned();
    wait_until("the copy's own launch", || testbed.scanner.records().executed.count(Operation::Launch) == 4).await;
    mcp.call_ok("cancel_scan", json!({ "task_id": own })).await;
    wait_until("the copy's own scan to be stopped", || harm(&testbed)[0] == harm_before[0] + 1).await;

    orphans(&copy, &["trust"]);
    assert_eq!(server.ready().await["trust"]["ok"], true);
    wait_until("the deleted task's scan to be removed", || testbed.remote_scan(&ended).is_none()).await;
    assert_eq!(testbed.remote_scan(&later).expect("unknown to the copy").status, "running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_that_was_set_back_in_its_place_is_noticed_by_newer_scans_and_adopts_them() {
    let testbed = Testbed::with_login(endless_scans(), ScannerLogin::ApiKeys, RETENTION).await;
    let known = testbed.submit().await;
    wait_until("the launch", || testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    let Testbed { scanner, home, server, .. } = testbed;
    server.kill();
    let (database, backup) = (home.data().join("scanhost.redb"), home.path().join("backup.redb"));
    fs::copy(&database, &backup).expect("a backup");
    let testbed = Testbed::start_on(scanner, home);
    let lost = testbed.submit().await;
    wait_until("the second launch", || testbed.scanner.records().executed.count(Operation::Launch) == 2).await;
    let Testbed { scanner, home, server, .. } = testbed;
    server.kill();
    fs::copy(&backup, &database).expect("the backup is restored");
    let testbed = Testbed::start_on(scanner, home);
    let harm_before = harm(&testbed);
    wait_until("the doubt", || testbed.server.log().contains("newer than every task")).await;
    two_rounds(&testbed).await;
    assert_eq!(harm(&testbed), harm_before);
    assert_eq!(testbed.server.ready().await["trust"]["ok"], false);

    assert!(orphans(&testbed.home, &["adopt", "--all"]).contains(&lost), "a lost task gets its own id back");
    orphans(&testbed.home, &["trust"]);
    for task in [&known, &lost] {
        let status = testbed.mcp.call_ok("get_scan_status", json!({ "task_id": task })).await;
        assert_eq!(status["status"], "running", "{status}");
        assert_eq!(testbed.scanner.records().record(task).executed.count(Operation::Launch), 1);
    }
    testbed.mcp.call_ok("cancel_scan", json!({ "task_id": lost })).await;
    assert_eq!(testbed.wait_for_end(&lost).await["status"], "cancelled");
    assert_eq!(testbed.remote_scan(&lost).expect("the scanner keeps the scan").status, "canceled");
}

/// A home with a copy of the data folder, as a backup makes one, and with these lines in its `scanhost.yaml`.
fn copy_of(home: &Home, more: &str) -> Home {
    let scanners = fs::read_to_string(home.config().join("scanners.yaml")).expect("it was written");
    let copy = Home::new(&[("scanners.yaml", &scanners), ("scanhost.yaml", &format!("{more}{RETENTION}"))]);
    for entry in fs::read_dir(home.data()).expect("the data folder").filter_map(Result::ok) {
        let (from, to) = (entry.path(), copy.data().join(entry.file_name()));
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            fs::copy(from, to).expect("a file can be copied");
        }
    }
    copy
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
