//! What a restart of the server leaves as it was, after SIGTERM and after SIGKILL.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use scanhost_it::{
    mcp::Mcp,
    output::Output,
    raw::{arguments, submit, until},
    server::{Home, Server},
};
use serde_json::{Value, json};

const BOUND: Duration = Duration::from_secs(60);

/// One scan at a time, each of which takes long enough to be interrupted.
const SLOW: &str = "mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 2}}]";
const FAST: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]";

fn home(scanners: &str) -> Home {
    Home::new(&[("scanners.yaml", scanners), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")])
}

/// How a server ends.
type End = fn(Server);

const ENDS: [(&str, End); 2] =
    [("SIGKILL", Server::kill), ("SIGTERM", |server| assert_eq!(server.terminate(), Some(0)))];

async fn status(mcp: &Mcp, id: &str) -> Value {
    mcp.ok("get_scan_status", json!({ "task_id": id })).await
}

#[tokio::test]
async fn a_running_scan_goes_on_and_is_not_started_twice() {
    for (signal, end) in ENDS {
        let home = home(&SLOW.replace("duration_seconds: 2", "duration_seconds: 8"));
        let server = home.start();
        let id = submit(&server.mcp(), json!({})).await;
        until(&server.mcp(), &id, "running").await;
        let before = status(&server.mcp(), &id).await;
        end(server);
        let server = home.start();
        let after = server.mcp().ended(&id, BOUND).await;
        assert_eq!(after["status"], "completed", "after {signal}: {after}");
        for key in ["task_id", "trace_id", "created_at", "started_at", "targets", "name", "scanner_instance"] {
            assert_eq!(after[key], before[key], "{key} after {signal}");
        }
        assert_eq!(after["remote_scan_id"], format!("mock-{id}"));
        assert_eq!(after["attempts"], 2, "two workers had it, after {signal}");
        let lines = server.mcp().results(json!({ "task_id": id, "page": 0 })).await;
        assert_eq!(lines.len(), 2 + 20, "its findings are there once");
    }
}

#[tokio::test]
async fn the_queue_keeps_its_order() {
    for (signal, end) in ENDS {
        let home = home(SLOW);
        let server = home.start();
        let first = submit(&server.mcp(), json!({})).await;
        until(&server.mcp(), &first, "running").await;
        let queue = |what| {
            let told = Output::of(home.command(&["queue", what, "mock", "--config", "config"]));
            assert_eq!(told.code, Some(0), "{}", told.stderr);
        };
        queue("pause");
        let mut waiting = Vec::new();
        for number in 0..3 {
            waiting.push(submit(&server.mcp(), json!({ "name": format!("w{number}") })).await);
        }
        let before = server.mcp().ok("get_queue_status", json!({})).await;
        end(server);
        let server = home.start();
        let after = server.mcp().ok("get_queue_status", json!({})).await;
        assert_eq!(after["next"], before["next"], "after {signal}");
        assert_eq!(after["next"].as_array().map(Vec::len), Some(3));
        queue("resume");
        let mut started = Vec::new();
        for id in [&[first], waiting.as_slice()].concat() {
            let ended = server.mcp().ended(&id, BOUND).await;
            assert_eq!(ended["status"], "completed", "after {signal}: {ended}");
            let time = ended["started_at"].as_str().expect("a time");
            started.push(time.parse::<jiff::Timestamp>().expect("a time"));
        }
        assert!(started.is_sorted(), "after {signal}: {started:?}");
    }
}

#[tokio::test]
async fn what_has_ended_stays_readable() {
    for (signal, end) in ENDS {
        let home = home(FAST);
        let server = home.start();
        let id = submit(&server.mcp(), json!({ "targets": "10.0.0.0/24", "idempotency_key": "k" })).await;
        until(&server.mcp(), &id, "completed").await;
        let questions = [
            ("get_scan_status", json!({ "task_id": id })),
            ("get_scan_results", json!({ "task_id": id, "page": 2, "filters": { "plugin_output": "a" } })),
            ("get_scan_results", json!({ "task_id": id, "page": 0, "schema_profile": "full" })),
            ("get_scan_settings", json!({ "task_id": id })),
            ("download_native_scan", json!({ "task_id": id })),
            ("list_scans", json!({ "target": "10.0.0.9" })),
        ];
        let mut before = Vec::new();
        for (tool, arguments) in &questions {
            before.push(server.mcp().call(tool, arguments.clone()).await.text);
        }
        end(server);
        let server = home.start();
        for ((tool, arguments), before) in questions.iter().zip(before) {
            let after = server.mcp().call(tool, arguments.clone()).await;
            assert!(!after.is_error, "{tool} after {signal}: {}", after.text);
            assert_eq!(after.text, before, "{tool} after {signal}");
        }
        let key = arguments(json!({ "targets": "10.0.0.0/24", "idempotency_key": "k" }));
        let again = server.mcp().ok("run_untrusted_scan", key).await;
        assert_eq!((&again["task_id"], &again["idempotent"]), (&json!(id), &json!(true)), "keys hold after {signal}");
    }
}

#[tokio::test]
async fn what_was_answered_is_stored() {
    let home = home(FAST);
    let server = home.start();
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(submit(&server.mcp(), json!({})).await);
    }
    // Nothing between the last answer and the end.
    server.kill();
    let server = home.start();
    for id in ids {
        assert_eq!(server.mcp().ended(&id, BOUND).await["status"], "completed");
    }
}

#[tokio::test]
async fn a_cancellation_that_was_asked_for_is_not_forgotten() {
    let home = home("mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 3600}}]");
    let server = home.start();
    let id = submit(&server.mcp(), json!({})).await;
    until(&server.mcp(), &id, "running").await;
    server.mcp().ok("cancel_scan", json!({ "task_id": id })).await;
    server.kill();
    let server = home.start();
    until(&server.mcp(), &id, "cancelled").await;
}

/// The output of a server that does not start on this home.
fn refused(home: &Home) -> Output {
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--config"]);
    command.arg(home.config()).env_remove("SCANHOST_LOG");
    let output = Output::of(command);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    output
}

#[tokio::test]
async fn another_key_is_refused_at_start() {
    let home = home(FAST);
    let key_file = home.data().join("secret.key");
    home.write(
        "scanhost.yaml",
        &format!("limits: {{poll_seconds: 0.1}}\nsecrets: {{key_file: {}}}\n", key_file.display()),
    );
    let server = home.start();
    let id = submit(&server.mcp(), json!({})).await;
    until(&server.mcp(), &id, "completed").await;
    drop(server);
    let right = fs::read(&key_file).expect("the key was made");
    let mode = fs::metadata(&key_file).expect("the key was made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner reads it");
    // Thirty-two zeros in base64.
    let other = format!("{}=", "A".repeat(43));
    for wrong in [other.as_str(), "not a key", ""] {
        fs::write(&key_file, wrong).expect("a file can be written");
        let output = refused(&home);
        assert!(output.stderr.contains("key"), "{wrong:?}: {}", output.stderr);
        assert_eq!(fs::read_to_string(&key_file).expect("it is there"), wrong, "it is not replaced");
    }
    fs::remove_file(&key_file).expect("a file can be removed");
    assert!(refused(&home).stderr.contains("key"), "a new key is another key");
    fs::write(&key_file, right).expect("a file can be written");
    let server = home.start();
    assert_eq!(status(&server.mcp(), &id).await["status"], "completed", "the right key opens it again");
}
