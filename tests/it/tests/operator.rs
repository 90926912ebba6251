//! What an operator does beside a running host: look, pause, retry, and use the same folder from a second process.

use std::{fs, time::Duration};

use scanhost_it::{
    lab::{Lab, SCAN_TIME, instant, lab_report, wait_until},
    output::Output,
    raw::submit,
    server::{Home, Server},
};
use serde_json::{Value, json};

const MOCK: &str = "mock: [{instance_id: m1, max_concurrent_scans: 2, options: {duration_seconds: 0}}]";
const POLL: &str = "limits: {poll_seconds: 0.2}\n";

fn started(scanners: &str) -> (Home, Server) {
    let home = Home::new(&[("scanners.yaml", scanners), ("scanhost.yaml", POLL)]);
    let server = home.start();
    (home, server)
}

/// Runs an admin command on the home's configuration.
fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(arguments);
    command.arg("--config").arg(home.config()).env_remove("SCANHOST_LOG");
    Output::of(command)
}

/// The same with `--json`, which has to succeed.
fn asked(home: &Home, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let output = run(home, &arguments);
    assert_eq!(output.code, Some(0), "{arguments:?}: {}", output.stderr);
    serde_json::from_str(&output.stdout).expect("--json prints JSON")
}

#[tokio::test]
async fn a_paused_pool_starts_nothing_until_it_is_resumed() {
    let (home, server) = started(MOCK);
    let mcp = server.mcp();
    assert_eq!(asked(&home, &["queue", "pause", "mock"])["paused"], true);
    let submitted = mcp.ok("run_untrusted_scan", json!({ "targets": "10.0.0.1", "name": "waits" })).await;
    let id = submitted["task_id"].as_str().expect("a task id");
    let waited = mcp.ok("wait_for_scan", json!({ "task_id": id, "timeout_seconds": 1 })).await;
    assert_eq!(waited["status"], "queued");
    assert_eq!(mcp.ok("list_pools", json!({})).await["pools"][0]["paused"], true);
    assert_eq!(asked(&home, &["queue"])[0]["waiting"], 1);
    assert_eq!(asked(&home, &["queue", "resume", "mock"])["paused"], false);
    assert_eq!(mcp.ended(id, SCAN_TIME).await["status"], "completed");
}

#[test]
fn an_unknown_pool_is_refused_with_those_that_exist() {
    let (home, _server) = started(MOCK);
    let output = run(&home, &["queue", "pause", "nessus"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains(". Pools are: mock") && !output.stderr.contains(".."), "{}", output.stderr);
}

#[tokio::test]
async fn a_dead_letter_is_listed_shown_and_retried_as_a_new_scan() {
    let broken = "mock: [{instance_id: m1, options: {duration_seconds: 0, fail_at: launch}}]";
    let (home, server) = started(broken);
    let mcp = server.mcp();
    let submitted = mcp.ok("run_untrusted_scan", json!({ "targets": "10.0.0.1", "name": "unlucky" })).await;
    let id = submitted["task_id"].as_str().expect("a task id").to_owned();
    assert_eq!(mcp.ended(&id, SCAN_TIME).await["status"], "failed");
    let listed = asked(&home, &["dlq", "list"]);
    assert_eq!((&listed[0]["task_id"], &listed[0]["code"]), (&json!(id), &json!("rejected")));
    let shown = asked(&home, &["dlq", "show", &id]);
    assert_eq!(shown["request"]["targets"], "10.0.0.1");
    // The cause is mended, which takes a restart.
    drop(server);
    home.write("scanners.yaml", MOCK);
    let server = home.start();
    let mcp = server.mcp();
    let retried = asked(&home, &["dlq", "retry", &id]);
    let new = retried["task_id"].as_str().expect("a new task id");
    let status = mcp.ended(new, SCAN_TIME).await;
    assert_eq!((&status["status"], &status["retry_of"]), (&json!("completed"), &json!(id)));
    assert_eq!(asked(&home, &["dlq", "list"]), json!([]));
    assert_eq!(run(&home, &["dlq", "retry", &id]).code, Some(1), "it was dealt with");
}

#[tokio::test]
async fn a_scan_whose_profile_is_gone_is_answered_with_those_that_exist() {
    let scanners = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]
broken: [{instance_id: b1, backend: mock, options: {duration_seconds: 0, fail_at: launch}}]";
    let (home, server) = started(scanners);
    drop(server);
    home.write("profiles.yaml", "soc: {fields: [host, severity]}\nother: {fields: [host]}\n");
    let server = home.start();
    let mcp = server.mcp();
    let of_pool = |pool: &str| json!({ "scanner_pool": pool, "schema_profile": "soc" });
    let (shown, failed) = (submit(&mcp, of_pool("mock")).await, submit(&mcp, of_pool("broken")).await);
    assert_eq!(mcp.ended(&shown, SCAN_TIME).await["status"], "completed");
    assert_eq!(mcp.ended(&failed, SCAN_TIME).await["status"], "failed");
    home.write("profiles.yaml", "other: {fields: [host]}\n");
    server.hang_up();
    wait(async || mcp.ok("list_profiles", json!({})).await["profiles"].to_string().matches("soc").count() == 0).await;

    let (code, message, hint) = mcp.refused("get_scan_results", json!({ "task_id": shown })).await;
    assert_eq!(code, "invalid_argument", "{message}");
    assert!(message.contains("`soc`") && hint.contains("brief") && hint.contains("other"), "{message} {hint}");
    let retried = run(&home, &["dlq", "retry", &failed]);
    assert_eq!(retried.code, Some(1));
    assert!(retried.stderr.contains("`soc`") && retried.stderr.contains("other"), "{}", retried.stderr);
    let named = mcp.results(json!({ "task_id": shown, "schema_profile": "other" })).await;
    assert_eq!(named[0]["profile"], "other");
}

#[tokio::test]
async fn what_is_stored_under_a_pool_that_was_taken_out_can_still_be_dealt_with() {
    let removed = "removed: [{instance_id: r1, backend: mock, options: {duration_seconds: 0, fail_at: launch}}]";
    let (home, server) = started(&format!("{MOCK}\n{removed}"));
    let failed = submit(&server.mcp(), json!({ "scanner_pool": "removed" })).await;
    assert_eq!(server.mcp().ended(&failed, SCAN_TIME).await["status"], "failed");
    asked(&home, &["queue", "pause", "removed"]);
    drop(server);
    home.write("scanners.yaml", MOCK);
    let server = home.start();
    let mcp = server.mcp();

    let of_pool = json!({ "scanner_pool": "removed" });
    assert_eq!(mcp.ok("list_scans", of_pool.clone()).await["scans"][0]["task_id"], failed);
    assert_eq!(asked(&home, &["scans", "--pool", "removed"])[0]["task_id"], failed);
    assert_eq!(asked(&home, &["dlq", "list", "--pool", "removed"])[0]["task_id"], failed);
    assert_eq!(asked(&home, &["dlq", "show", &failed])["status"]["status"], "failed");
    let retried = run(&home, &["dlq", "retry", &failed]);
    assert_eq!(retried.code, Some(1));
    for part in ["`removed` is no longer configured", "Put it back", "Pools are: mock"] {
        assert!(retried.stderr.contains(part), "{part}: {}", retried.stderr);
    }
    assert_eq!(asked(&home, &["queue", "resume", "removed"])["paused"], false);
    assert_eq!(asked(&home, &["dlq", "purge", "--pool", "removed", "--yes"])["purged"], 1);
    assert_eq!(asked(&home, &["dlq", "list", "--pool", "removed"]), json!([]), "its record is still there");
    let submitted = json!({ "targets": "10.0.0.1", "name": "x", "scanner_pool": "removed" });
    assert_eq!(mcp.refused("run_untrusted_scan", submitted).await.0, "invalid_argument");

    mcp.ok("delete_scan", json!({ "task_id": failed })).await;
    let (code, message, hint) = mcp.refused("list_scans", of_pool).await;
    assert_eq!((code.as_str(), hint.contains("mock")), ("invalid_argument", true), "{message} {hint}");
    for arguments in [["queue", "resume", "removed"].as_slice(), &["dlq", "list", "--pool", "removed"]] {
        assert_eq!(run(&home, arguments).code, Some(1), "nothing is left of it");
    }
}

#[tokio::test]
async fn purging_asks_or_wants_yes() {
    let (home, server) = started("mock: [{instance_id: m1, options: {duration_seconds: 0, fail_at: create}}]");
    let mcp = server.mcp();
    let submitted = mcp.ok("run_untrusted_scan", json!({ "targets": "10.0.0.1", "name": "unlucky" })).await;
    let id = submitted["task_id"].as_str().expect("a task id");
    mcp.ended(id, SCAN_TIME).await;
    let refused = run(&home, &["dlq", "purge"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(asked(&home, &["dlq", "purge", "--yes"])["purged"], 1);
    assert_eq!(asked(&home, &["dlq", "list"]), json!([]));
    assert_eq!(mcp.ok("get_scan_status", json!({ "task_id": id })).await["status"], "failed", "the record stays");
}

#[tokio::test]
async fn a_second_process_scans_through_the_first() {
    let (home, server) = started(MOCK);
    let output = run(&home, &["scan", "--targets", "10.0.0.7", "--name", "second", "--format", "jsonl"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(output.records().len(), 20);
    let listed = server.mcp().ok("list_scans", json!({})).await;
    assert_eq!(listed["scans"][0]["name"], "second", "the first process knows it");
    assert_eq!(asked(&home, &["scans", "--target", "10.0.0.0/24"])[0]["name"], "second");
}

#[test]
fn admin_commands_work_without_a_running_host() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", POLL)]);
    assert_eq!(asked(&home, &["scans"]), json!([]));
    assert_eq!(asked(&home, &["queue"])[0]["pool"], "mock");
    assert_eq!(run(&home, &["dlq", "list"]).stdout.trim(), "none");
}

#[test]
fn the_socket_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (home, _server) = started(MOCK);
    let mode = fs::metadata(home.data().join("scanhost.sock")).expect("the socket is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_new_token_opens_what_it_was_made_for() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let made = Output::of(home.command(&["token", "new", "ci", "--scopes", "scan:read", "--json"]));
    let made: Value = serde_json::from_str(&made.stdout).expect("--json prints JSON");
    let line = made["configuration"].as_str().expect("a line for the configuration");
    home.write("scanhost.yaml", &format!("tokens:\n  - {line}\n"));
    let server = home.start();
    let mcp = server.mcp().with_token(made["token"].as_str().expect("a token"));
    let names: Vec<_> =
        mcp.tools().await.iter().map(|tool| tool["name"].as_str().unwrap_or_default().to_owned()).collect();
    assert!(names.contains(&"list_scans".to_owned()) && !names.contains(&"run_untrusted_scan".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_scanner_that_is_away_opens_its_breaker_and_is_found_again() {
    let lab = Lab::new(instant(lab_report())).await;
    let address = lab.scanner.address();
    let scanner = async || lab.mcp.ok("list_scanners", json!({})).await["scanners"][0].clone();
    wait(async || scanner().await["up"] == true).await;
    assert_eq!(scanner().await["circuit"], "closed");
    lab.scanner.stop().await;
    let id = lab.mcp.ok("run_untrusted_scan", json!({ "targets": "10.20.0.11", "name": "patient" })).await;
    let id = id["task_id"].as_str().expect("a task id");
    wait(async || scanner().await["circuit"] == "open").await;
    let ready = lab.mcp.http().get(format!("{}/ready", lab.server.url())).send().await.expect("an answer");
    assert_eq!(ready.status(), 200);
    let ready: Value = ready.json().await.expect("JSON");
    assert_eq!((&ready["status"], &ready["scanners"][0]["circuit"]), (&json!("degraded"), &json!("open")));
    let back = fake_nessus::FakeNessus::bind(address, instant(lab_report())).await.expect("the same address");
    // The breaker rests for half a minute before it tries again, and where that fails, for longer.
    let status = lab.mcp.ended(id, 3 * SCAN_TIME).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert!(status["attempts"].as_u64().is_some_and(|attempts| attempts > 1), "{status}");
    assert_eq!(back.records().of(id).done.of(fake_nessus::Operation::Launch), 1);
    wait(async || scanner().await["circuit"] == "closed").await;
}

#[tokio::test]
async fn results_that_nobody_asks_for_are_deleted_after_their_time() {
    let home = Home::new(&[
        ("scanners.yaml", MOCK),
        ("scanhost.yaml", "limits: {poll_seconds: 0.2}\nretention: {completed_days: 0.0001, failed_days: 0.0001}\n"),
    ]);
    let server = home.start();
    let mcp = server.mcp();
    let submitted = mcp.ok("run_untrusted_scan", json!({ "targets": "10.0.0.1", "name": "short-lived" })).await;
    let id = submitted["task_id"].as_str().expect("a task id").to_owned();
    mcp.ended(&id, SCAN_TIME).await;
    let folder = home.data().join("tasks").join(&id);
    assert!(folder.exists());
    wait_until("the scan's files are gone", || !folder.exists()).await;
    assert_eq!(mcp.refused("get_scan_status", json!({ "task_id": id })).await.0, "not_found");
}

/// Asks until it is so, within a bound.
async fn wait(condition: impl AsyncFn() -> bool) {
    let start = std::time::Instant::now();
    while !condition().await {
        assert!(start.elapsed() < SCAN_TIME, "it did not come to be within {SCAN_TIME:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
