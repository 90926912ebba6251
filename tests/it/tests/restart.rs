//! Scans, queues and keys that survive a restart of the server, after SIGTERM and after SIGKILL.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use scanhost_it::{
    mcp::McpClient,
    output::Output,
    scans::{scan_arguments, submit, wait_for_status},
    server::{Home, Server},
};
use serde_json::{Value, json};

const SCAN_TIMEOUT: Duration = Duration::from_secs(60);

/// A scanner that runs one scan at a time, each long enough to be interrupted.
const SLOW: &str = "mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 2}}]";
const FAST: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]";

fn home(scanners: &str) -> Home {
    Home::new(&[("scanners.yaml", scanners), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")])
}

/// A way to end a server.
type Shutdown = fn(Server);

const SHUTDOWNS: [(&str, Shutdown); 2] =
    [("SIGKILL", Server::kill), ("SIGTERM", |server| assert_eq!(server.terminate(), Some(0)))];

async fn status(mcp: &McpClient, id: &str) -> Value {
    mcp.call_ok("get_scan_status", json!({ "task_id": id })).await
}

#[tokio::test]
async fn running_scan_continues_and_is_not_started_twice() {
    for (signal, shut_down) in SHUTDOWNS {
        let home = home(&SLOW.replace("duration_seconds: 2", "duration_seconds: 8"));
        let server = home.start();
        let id = submit(&server.mcp(), json!({})).await;
        wait_for_status(&server.mcp(), &id, "running").await;
        let before = status(&server.mcp(), &id).await;
        shut_down(server);
        let server = home.start();
        let after = server.mcp().wait_for_end(&id, SCAN_TIMEOUT).await;
        assert_eq!(after["status"], "completed", "after {signal}: {after}");
        for key in ["task_id", "trace_id", "created_at", "started_at", "targets", "name", "scanner_instance"] {
            assert_eq!(after[key], before[key], "{key} after {signal}");
        }
        assert_eq!(after["remote_scan_id"], format!("mock-{id}"));
        assert_eq!(after["attempts"], 2, "the takeover after {signal} is a second attempt");
        let lines = server.mcp().results(json!({ "task_id": id, "page": 0 })).await;
        assert_eq!(lines.len(), 2 + 20, "each finding is stored once");
    }
}

#[tokio::test]
async fn queue_keeps_its_order() {
    for (signal, shut_down) in SHUTDOWNS {
        let home = home(SLOW);
        let server = home.start();
        let first = submit(&server.mcp(), json!({})).await;
        wait_for_status(&server.mcp(), &first, "running").await;
        let run_queue_command = |verb| {
            let output = Output::run(home.command(&["queue", verb, "mock", "--config", "config"]));
            assert_eq!(output.code, Some(0), "{}", output.stderr);
        };
        run_queue_command("pause");
        let mut waiting = Vec::new();
        for number in 0..3 {
            waiting.push(submit(&server.mcp(), json!({ "name": format!("w{number}") })).await);
        }
        let before = server.mcp().call_ok("get_queue_status", json!({})).await;
        shut_down(server);
        let server = home.start();
        let after = server.mcp().call_ok("get_queue_status", json!({})).await;
        assert_eq!(after["next"], before["next"], "after {signal}");
        assert_eq!(after["next"].as_array().map(Vec::len), Some(3));
        run_queue_command("resume");
        let mut started = Vec::new();
        for id in [&[first], waiting.as_slice()].concat() {
            let ended = server.mcp().wait_for_end(&id, SCAN_TIMEOUT).await;
            assert_eq!(ended["status"], "completed", "after {signal}: {ended}");
            let time = ended["started_at"].as_str().expect("a time");
            started.push(time.parse::<jiff::Timestamp>().expect("a time"));
        }
        assert!(started.is_sorted(), "after {signal}: {started:?}");
    }
}

#[tokio::test]
async fn ended_scan_stays_readable() {
    for (signal, shut_down) in SHUTDOWNS {
        let home = home(FAST);
        let server = home.start();
        let id = submit(&server.mcp(), json!({ "targets": "10.0.0.0/24", "idempotency_key": "k" })).await;
        wait_for_status(&server.mcp(), &id, "completed").await;
        let calls = [
            ("get_scan_status", json!({ "task_id": id })),
            ("get_scan_results", json!({ "task_id": id, "page": 2, "filters": { "plugin_output": "a" } })),
            ("get_scan_results", json!({ "task_id": id, "page": 0, "schema_profile": "full" })),
            ("get_scan_settings", json!({ "task_id": id })),
            ("download_native_scan", json!({ "task_id": id })),
            ("list_scans", json!({ "target": "10.0.0.9" })),
        ];
        let mut before = Vec::new();
        for (tool, arguments) in &calls {
            before.push(server.mcp().call(tool, arguments.clone()).await.text);
        }
        shut_down(server);
        let server = home.start();
        for ((tool, arguments), before) in calls.iter().zip(before) {
            let after = server.mcp().call(tool, arguments.clone()).await;
            assert!(!after.is_error, "{tool} after {signal}: {}", after.text);
            assert_eq!(after.text, before, "{tool} after {signal}");
        }
        let key = scan_arguments(json!({ "targets": "10.0.0.0/24", "idempotency_key": "k" }));
        let again = server.mcp().call_ok("run_untrusted_scan", key).await;
        assert_eq!((&again["task_id"], &again["idempotent"]), (&json!(id), &json!(true)), "keys hold after {signal}");
    }
}

#[tokio::test]
async fn acknowledged_submits_are_stored() {
    let home = home(FAST);
    let server = home.start();
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(submit(&server.mcp(), json!({})).await);
    }
    // The server is killed directly after the last answer.
    server.kill();
    let server = home.start();
    for id in ids {
        assert_eq!(server.mcp().wait_for_end(&id, SCAN_TIMEOUT).await["status"], "completed");
    }
}

#[tokio::test]
async fn requested_cancellation_survives_a_kill() {
    let home = home("mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 3600}}]");
    let server = home.start();
    let id = submit(&server.mcp(), json!({})).await;
    wait_for_status(&server.mcp(), &id, "running").await;
    server.mcp().call_ok("cancel_scan", json!({ "task_id": id })).await;
    server.kill();
    let server = home.start();
    wait_for_status(&server.mcp(), &id, "cancelled").await;
}

/// The output of a server that does not start on this home.
fn start_refused(home: &Home) -> Output {
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--config"]);
    command.arg(home.config()).env_remove("SCANHOST_LOG");
    let output = Output::run(command);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    output
}

#[tokio::test]
async fn wrong_secret_key_is_refused_at_start() {
    let home = home(FAST);
    let key_file = home.data().join("secret.key");
    home.write(
        "scanhost.yaml",
        &format!("limits: {{poll_seconds: 0.1}}\nsecrets: {{key_file: {}}}\n", key_file.display()),
    );
    let server = home.start();
    let id = submit(&server.mcp(), json!({})).await;
    wait_for_status(&server.mcp(), &id, "completed").await;
    drop(server);
    let right = fs::read(&key_file).expect("the host has written the key");
    let mode = fs::metadata(&key_file).expect("the host has written the key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only the owner may read the key");
    // This is the base64 of thirty-two zero bytes.
    let other = format!("{}=", "A".repeat(43));
    for wrong in [other.as_str(), "not a key", ""] {
        fs::write(&key_file, wrong).expect("a file can be written");
        let output = start_refused(&home);
        assert!(output.stderr.contains("key"), "{wrong:?}: {}", output.stderr);
        assert_eq!(fs::read_to_string(&key_file).expect("the file exists"), wrong, "the file is not replaced");
    }
    fs::remove_file(&key_file).expect("a file can be removed");
    assert!(start_refused(&home).stderr.contains("key"), "the host does not replace a lost key");
    fs::write(&key_file, right).expect("a file can be written");
    let server = home.start();
    assert_eq!(status(&server.mcp(), &id).await["status"], "completed", "the scan is readable with the right key");
}
