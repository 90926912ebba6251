//! Admin commands of operators beside a running host, and the health of scanners that they see.

use std::{fs, time::Duration};

use scanhost_it::{
    output::Output,
    scans::submit,
    server::{Home, Server},
    testbed::{SCAN_TIMEOUT, ScannerLogin, Testbed, four_host_report, instant_scans, wait_until},
};
use serde_json::{Value, json};

const MOCK: &str = "mock: [{instance_id: m1, max_concurrent_scans: 2, options: {duration_seconds: 0}}]";
const FAST_POLLING: &str = "limits: {poll_seconds: 0.2}\n";

fn start(scanners: &str) -> (Home, Server) {
    let home = Home::new(&[("scanners.yaml", scanners), ("scanhost.yaml", FAST_POLLING)]);
    let server = home.start();
    (home, server)
}

/// Runs an admin command on the home's configuration.
fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(arguments);
    command.arg("--config").arg(home.config()).env_remove("SCANHOST_LOG");
    Output::run(command)
}

/// Runs an admin command with `--json`, which has to succeed, and parses its output.
fn run_json(home: &Home, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let output = run(home, &arguments);
    assert_eq!(output.code, Some(0), "{arguments:?}: {}", output.stderr);
    serde_json::from_str(&output.stdout).expect("--json prints JSON")
}

#[tokio::test]
async fn paused_pool_starts_no_scan_until_it_is_resumed() {
    let (home, server) = start(MOCK);
    let mcp = server.mcp();
    assert_eq!(run_json(&home, &["queue", "pause", "mock"])["paused"], true);
    let submitted = mcp.call_ok("run_untrusted_scan", json!({ "targets": "10.0.0.1", "name": "waits" })).await;
    let id = submitted["task_id"].as_str().expect("a task id");
    let waited = mcp.call_ok("wait_for_scan", json!({ "task_id": id, "timeout_seconds": 1 })).await;
    assert_eq!(waited["status"], "queued");
    assert_eq!(mcp.call_ok("list_pools", json!({})).await["pools"][0]["paused"], true);
    assert_eq!(run_json(&home, &["queue"])[0]["waiting"], 1);
    assert_eq!(run_json(&home, &["queue", "resume", "mock"])["paused"], false);
    assert_eq!(mcp.wait_for_end(id, SCAN_TIMEOUT).await["status"], "completed");
}

#[test]
fn unknown_pool_gets_the_existing_ones() {
    let (home, _server) = start(MOCK);
    let output = run(&home, &["queue", "pause", "nessus"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains(". Pools are: mock") && !output.stderr.contains(".."), "{}", output.stderr);
}

#[tokio::test]
async fn dead_letter_is_listed_shown_and_retried_as_a_new_scan() {
    let broken = "mock: [{instance_id: m1, options: {duration_seconds: 0, fail_at: launch}}]";
    let (home, server) = start(broken);
    let mcp = server.mcp();
    let submitted = mcp.call_ok("run_untrusted_scan", json!({ "targets": "10.0.0.1", "name": "unlucky" })).await;
    let id = submitted["task_id"].as_str().expect("a task id").to_owned();
    assert_eq!(mcp.wait_for_end(&id, SCAN_TIMEOUT).await["status"], "failed");
    let listed = run_json(&home, &["dlq", "list"]);
    assert_eq!((&listed[0]["task_id"], &listed[0]["code"]), (&json!(id), &json!("rejected")));
    let shown = run_json(&home, &["dlq", "show", &id]);
    assert_eq!(shown["request"]["targets"], "10.0.0.1");
    // The operator fixes the cause, and restarts the host.
    drop(server);
    home.write("scanners.yaml", MOCK);
    let server = home.start();
    let mcp = server.mcp();
    let retried = run_json(&home, &["dlq", "retry", &id]);
    let new = retried["task_id"].as_str().expect("a new task id");
    let status = mcp.wait_for_end(new, SCAN_TIMEOUT).await;
    assert_eq!((&status["status"], &status["retry_of"]), (&json!("completed"), &json!(id)));
    assert_eq!(run_json(&home, &["dlq", "list"]), json!([]));
    assert_eq!(run(&home, &["dlq", "retry", &id]).code, Some(1), "the dead letter is gone after the retry");
}

#[tokio::test]
async fn scan_with_a_removed_profile_gets_the_existing_ones() {
    let scanners = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]
broken: [{instance_id: b1, backend: mock, options: {duration_seconds: 0, fail_at: launch}}]";
    let (home, server) = start(scanners);
    drop(server);
    home.write("profiles.yaml", "soc: {fields: [host, severity]}\nother: {fields: [host]}\n");
    let server = home.start();
    let mcp = server.mcp();
    let of_pool = |pool: &str| json!({ "scanner_pool": pool, "schema_profile": "soc" });
    let (shown, failed) = (submit(&mcp, of_pool("mock")).await, submit(&mcp, of_pool("broken")).await);
    assert_eq!(mcp.wait_for_end(&shown, SCAN_TIMEOUT).await["status"], "completed");
    assert_eq!(mcp.wait_for_end(&failed, SCAN_TIMEOUT).await["status"], "failed");
    home.write("profiles.yaml", "other: {fields: [host]}\n");
    server.send_sighup();
    wait_until_async(async || {
        mcp.call_ok("list_profiles", json!({})).await["profiles"].to_string().matches("soc").count() == 0
    })
    .await;

    let (code, message, hint) = mcp.call_refused("get_scan_results", json!({ "task_id": shown })).await;
    assert_eq!(code, "invalid_argument", "{message}");
    assert!(message.contains("`soc`") && hint.contains("brief") && hint.contains("other"), "{message} {hint}");
    let retried = run(&home, &["dlq", "retry", &failed]);
    assert_eq!(retried.code, Some(1));
    assert!(retried.stderr.contains("`soc`") && retried.stderr.contains("other"), "{}", retried.stderr);
    let named = mcp.results(json!({ "task_id": shown, "schema_profile": "other" })).await;
    assert_eq!(named[0]["profile"], "other");
}

#[tokio::test]
async fn scans_of_a_removed_pool_can_still_be_managed() {
    let removed = "removed: [{instance_id: r1, backend: mock, options: {duration_seconds: 0, fail_at: launch}}]";
    let (home, server) = start(&format!("{MOCK}\n{removed}"));
    let failed = submit(&server.mcp(), json!({ "scanner_pool": "removed" })).await;
    assert_eq!(server.mcp().wait_for_end(&failed, SCAN_TIMEOUT).await["status"], "failed");
    run_json(&home, &["queue", "pause", "removed"]);
    drop(server);
    home.write("scanners.yaml", MOCK);
    let server = home.start();
    let mcp = server.mcp();

    let of_pool = json!({ "scanner_pool": "removed" });
    assert_eq!(mcp.call_ok("list_scans", of_pool.clone()).await["scans"][0]["task_id"], failed);
    assert_eq!(run_json(&home, &["scans", "--pool", "removed"])[0]["task_id"], failed);
    assert_eq!(run_json(&home, &["dlq", "list", "--pool", "removed"])[0]["task_id"], failed);
    assert_eq!(run_json(&home, &["dlq", "show", &failed])["status"]["status"], "failed");
    let retried = run(&home, &["dlq", "retry", &failed]);
    assert_eq!(retried.code, Some(1));
    for part in ["`removed` is no longer configured", "Put it back", "Pools are: mock"] {
        assert!(retried.stderr.contains(part), "{part}: {}", retried.stderr);
    }
    assert_eq!(run_json(&home, &["queue", "resume", "removed"])["paused"], false);
    assert_eq!(run_json(&home, &["dlq", "purge", "--pool", "removed", "--yes"])["purged"], 1);
    assert_eq!(
        run_json(&home, &["dlq", "list", "--pool", "removed"]),
        json!([]),
        "the pool is still known, since it has the record of a scan"
    );
    let submitted = json!({ "targets": "10.0.0.1", "name": "x", "scanner_pool": "removed" });
    assert_eq!(mcp.call_refused("run_untrusted_scan", submitted).await.0, "invalid_argument");

    mcp.call_ok("delete_scan", json!({ "task_id": failed })).await;
    let (code, message, hint) = mcp.call_refused("list_scans", of_pool).await;
    assert_eq!((code.as_str(), hint.contains("mock")), ("invalid_argument", true), "{message} {hint}");
    for arguments in [["queue", "resume", "removed"].as_slice(), &["dlq", "list", "--pool", "removed"]] {
        assert_eq!(run(&home, arguments).code, Some(1), "the pool is unknown without its last record");
    }
}

#[tokio::test]
async fn purge_needs_yes_without_a_terminal() {
    let (home, server) = start("mock: [{instance_id: m1, options: {duration_seconds: 0, fail_at: create}}]");
    let mcp = server.mcp();
    let submitted = mcp.call_ok("run_untrusted_scan", json!({ "targets": "10.0.0.1", "name": "unlucky" })).await;
    let id = submitted["task_id"].as_str().expect("a task id");
    mcp.wait_for_end(id, SCAN_TIMEOUT).await;
    let refused = run(&home, &["dlq", "purge"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(run_json(&home, &["dlq", "purge", "--yes"])["purged"], 1);
    assert_eq!(run_json(&home, &["dlq", "list"]), json!([]));
    assert_eq!(
        mcp.call_ok("get_scan_status", json!({ "task_id": id })).await["status"],
        "failed",
        "the record of the scan stays"
    );
}

#[tokio::test]
async fn second_process_scans_through_the_first() {
    let (home, server) = start(MOCK);
    let output = run(&home, &["scan", "--targets", "10.0.0.7", "--name", "second", "--format", "jsonl"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(output.records().len(), 20);
    let listed = server.mcp().call_ok("list_scans", json!({})).await;
    assert_eq!(listed["scans"][0]["name"], "second", "the first process has the scan");
    assert_eq!(run_json(&home, &["scans", "--target", "10.0.0.0/24"])[0]["name"], "second");
}

#[test]
fn admin_commands_work_without_a_running_host() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", FAST_POLLING)]);
    assert_eq!(run_json(&home, &["scans"]), json!([]));
    assert_eq!(run_json(&home, &["queue"])[0]["pool"], "mock");
    assert_eq!(run(&home, &["dlq", "list"]).stdout.trim(), "none");
}

#[test]
fn control_socket_is_accessible_to_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (home, _server) = start(MOCK);
    let mode = fs::metadata(home.data().join("scanhost.sock")).expect("the socket is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn new_token_has_its_scopes() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let output = Output::run(home.command(&["token", "new", "ci", "--scopes", "scan:read", "--json"]));
    let made: Value = serde_json::from_str(&output.stdout).expect("--json prints JSON");
    let line = made["configuration"].as_str().expect("a line for the configuration");
    home.write("scanhost.yaml", &format!("tokens:\n  - {line}\n"));
    let server = home.start();
    let mcp = server.mcp().with_token(made["token"].as_str().expect("a token"));
    let names: Vec<_> =
        mcp.list_tools().await.iter().map(|tool| tool["name"].as_str().unwrap_or_default().to_owned()).collect();
    assert!(names.contains(&"list_scans".to_owned()) && !names.contains(&"run_untrusted_scan".to_owned()), "{names:?}");
}

#[tokio::test]
async fn unreachable_scanner_opens_its_breaker_until_it_returns() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let address = testbed.scanner.address();
    let scanner = async || testbed.mcp.call_ok("list_scanners", json!({})).await["scanners"][0].clone();
    wait_until_async(async || scanner().await["up"] == true).await;
    assert_eq!(scanner().await["circuit"], "closed");
    testbed.scanner.stop().await;
    let id = testbed.mcp.call_ok("run_untrusted_scan", json!({ "targets": "10.20.0.11", "name": "patient" })).await;
    let id = id["task_id"].as_str().expect("a task id");
    wait_until_async(async || scanner().await["circuit"] == "open").await;
    let ready = testbed.mcp.http().get(format!("{}/ready", testbed.server.url())).send().await.expect("an answer");
    assert_eq!(ready.status(), 200);
    let ready: Value = ready.json().await.expect("JSON");
    assert_eq!((&ready["status"], &ready["scanners"][0]["circuit"]), (&json!("degraded"), &json!("open")));
    let back =
        fake_nessus::FakeNessus::bind(address, instant_scans(four_host_report())).await.expect("the same address");
    // The breaker stays open for half a minute before it tries again, and for longer after each failure.
    let status = testbed.mcp.wait_for_end(id, 3 * SCAN_TIMEOUT).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert!(status["attempts"].as_u64().is_some_and(|attempts| attempts > 1), "{status}");
    assert_eq!(back.records().record(id).executed.count(fake_nessus::Operation::Launch), 1);
    wait_until_async(async || scanner().await["circuit"] == "closed").await;
}

#[tokio::test]
async fn scans_are_deleted_after_their_retention() {
    let home = Home::new(&[
        ("scanners.yaml", MOCK),
        ("scanhost.yaml", "limits: {poll_seconds: 0.2}\nretention: {completed_days: 0.0001, failed_days: 0.0001}\n"),
    ]);
    let server = home.start();
    let mcp = server.mcp();
    let submitted = mcp.call_ok("run_untrusted_scan", json!({ "targets": "10.0.0.1", "name": "short-lived" })).await;
    let id = submitted["task_id"].as_str().expect("a task id").to_owned();
    mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    let folder = home.data().join("tasks").join(&id);
    assert!(folder.exists());
    wait_until("the files of the scan to be removed", || !folder.exists()).await;
    assert_eq!(mcp.call_refused("get_scan_status", json!({ "task_id": id })).await.0, "not_found");
}

/// Checks the condition repeatedly until it holds, and panics when it does not hold in time.
async fn wait_until_async(condition: impl AsyncFn() -> bool) {
    let start = std::time::Instant::now();
    while !condition().await {
        assert!(start.elapsed() < SCAN_TIMEOUT, "the condition did not hold within {SCAN_TIMEOUT:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_report_is_read_again_as_a_new_scan_without_the_scanner() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let status = testbed.run_scan_with_faults([]).await;
    assert_eq!(status["status"], "completed", "{status}");
    let id = status["task_id"].as_str().expect("a task id");
    let received = testbed.scanner.records().received.count(fake_nessus::Operation::Launch);
    let reread = run_json(&testbed.home, &["reread", id]);
    assert_eq!(reread["retry_of"], id);
    let new = testbed.wait_for_end(reread["task_id"].as_str().expect("a task id")).await;
    assert_eq!(new["status"], "completed", "{new}");
    assert_eq!(new["results_summary"], status["results_summary"]);
    assert_eq!(testbed.scanner.records().received.count(fake_nessus::Operation::Launch), received);
    testbed.mcp.call_ok("delete_scan", json!({ "task_id": id })).await;
    let lines = testbed.mcp.results(json!({ "task_id": new["task_id"], "page": 0 })).await;
    assert!(lines.len() > 10, "the new scan has files of its own");
    let refused = run(&testbed.home, &["reread", id]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
}

#[test]
fn built_in_plugin_is_exported_and_passes_the_check() {
    let (home, _server) = start(MOCK);
    let file = home.path().join("exported.wasm");
    let file = file.to_str().expect("a path of text");
    let mut export = home.command(&["plugin", "export", "nmap", "--output", file]);
    export.env_remove("SCANHOST_LOG");
    assert_eq!(Output::run(export).code, Some(0));
    assert_eq!(Output::run(home.command(&["plugin", "inspect", file])).code, Some(0));
    let unknown = Output::run(home.command(&["plugin", "export", "nosuch", "--output", file]));
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("mock, nessus, nmap"), "{}", unknown.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ending_server_says_so_in_ready_while_it_still_answers() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "shutdown_grace_seconds: 3\n")]);
    let server = home.start();
    let mcp = server.mcp();
    server.send_signal("TERM");
    let start = std::time::Instant::now();
    loop {
        let answer = mcp.http().get(format!("{}/ready", server.url())).send().await.expect("the server answers");
        if answer.status() == 503 {
            let ready: Value = answer.json().await.expect("JSON");
            assert_eq!(ready["status"], "shutting down", "{ready}");
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(2), "/ready says nothing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    mcp.call_ok("list_scans", json!({})).await;
    assert!(server.wait_for_whole_log().contains("shutting down"));
    assert!(start.elapsed() >= Duration::from_secs(2), "the port closed too early");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oldest_ended_scans_are_deleted_above_the_size_that_is_kept() {
    // The report and the findings of one scan take some fifty kilobytes, and the housekeeping runs every few seconds.
    let more = "retention: {failed_days: 0.0001, max_gib: 0.0001}\n";
    let testbed = Testbed::with_login(instant_scans(four_host_report()), ScannerLogin::ApiKeys, more).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        let status = testbed.run_scan_with_faults([]).await;
        ids.push(status["task_id"].as_str().expect("a task id").to_owned());
    }
    let folder = |id: &String| testbed.home.data().join("tasks").join(id);
    wait_until("the oldest scan to be deleted", || !folder(&ids[0]).exists()).await;
    wait_until("the log", || testbed.server.log().contains("retention.max_gib")).await;
    assert!(folder(&ids[5]).exists(), "the newest scan stays");
}
