//! When a scan or its host ends in any way, no process of its program is left.

use std::time::Duration;

use scanhost_it::testbed::{SCAN_TIMEOUT, wait_until};
use serde_json::json;

use crate::fake_nmap::{ENDLESS, home, processes, start_scan, wait_until_no_process_is_left};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_kills_the_program_and_its_children() {
    let home = home(ENDLESS, "", "");
    let (_server, mcp, id) = start_scan(&home).await;
    let progress = || async { mcp.call_ok("get_scan_status", json!({ "task_id": id })).await["progress"].as_u64() };
    let deadline = tokio::time::Instant::now() + SCAN_TIMEOUT;
    while progress().await != Some(22) {
        assert!(tokio::time::Instant::now() < deadline, "the scan never has the progress that nmap reports");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    mcp.call_ok("cancel_scan", json!({ "task_id": id })).await;
    let status = mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    assert_eq!(status["status"], "cancelled", "{status}");
    assert_eq!(processes(&home), Vec::<String>::new(), "the processes end before the scan does");
    let entries = std::fs::read_dir(home.data().join("tasks").join(&id)).expect("the scan's folder").flatten();
    let left: Vec<_> =
        entries.map(|entry| entry.file_name()).filter(|name| name.to_string_lossy().contains("program")).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new(), "the folder of the program is removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timeout_kills_the_program() {
    let home = home(ENDLESS, "", "");
    let (_server, mcp, id) = start_scan(&home).await;
    home.write(
        "scanhost.yaml",
        &std::fs::read_to_string(home.config().join("scanhost.yaml"))
            .expect("the file is there")
            .replace("limits: {poll_seconds: 0.2}", "limits: {poll_seconds: 0.2, scan_hours: 0.001}"),
    );
    let status = mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    assert_eq!(status["status"], "timeout", "{status}");
    assert_eq!(processes(&home), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_a_running_scan_kills_the_program() {
    let home = home(ENDLESS, "", "");
    let (_server, mcp, id) = start_scan(&home).await;
    mcp.call_ok("delete_scan", json!({ "task_id": id, "force": true })).await;
    wait_until_no_process_is_left(&home).await;
}

// A scan by a program cannot be resumed, so a host that shuts down records it as failed at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_shutdown_kills_the_program_and_fails_the_scan() {
    let home = home(ENDLESS, "", "");
    let (server, _, id) = start_scan(&home).await;
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(processes(&home), Vec::<String>::new(), "the processes end with the host");
    let output = scanhost_it::output::Output::run(admin_command(&home, &["scans", "--status", "failed"]));
    assert!(output.stdout.contains(&id) && output.stdout.contains("worker_lost"), "{output:?}");
    check_lost(&home, &id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_host_leaves_no_program() {
    let home = home(ENDLESS, "", "");
    let (server, _, id) = start_scan(&home).await;
    server.kill();
    wait_until_no_process_is_left(&home).await;
    check_lost(&home, &id).await;
}

/// Checks after another start of the host that the scan has failed as lost, is a dead letter, and has no process.
async fn check_lost(home: &scanhost_it::server::Home, id: &str) {
    let server = home.start();
    let mcp = server.mcp();
    let status = mcp.wait_for_end(id, SCAN_TIMEOUT).await;
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("failed"), &json!("worker_lost")), "{status}");
    let pool = mcp.call_ok("get_queue_status", json!({ "scanner_pool": "nmap" })).await;
    assert_eq!(pool["dead_letters"], 1, "{pool}");
    assert_eq!(processes(home), Vec::<String>::new());
}

fn admin_command(home: &scanhost_it::server::Home, arguments: &[&str]) -> std::process::Command {
    let mut command = home.command(arguments);
    command.args(["--json", "--config"]).arg(home.config());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_supervisor_kills_the_program_and_fails_the_scan() {
    let home = home("exec BIN/sleeper 3600\n", "", "");
    let server = home.start();
    let mcp = server.mcp();
    let id = crate::fake_nmap::submit(&mcp).await;
    let process_with = |part: &str| processes(&home).into_iter().find(|process| process.contains(part));
    wait_until("the program", || process_with("sleeper").is_some()).await;
    let supervisor = process_with("supervise-program").expect("a supervisor");
    let supervisor = supervisor.split_once(' ').expect("an id and a command").0;
    let killed = std::process::Command::new("kill").args(["-KILL", supervisor]).status();
    assert!(killed.expect("signals can be sent").success());
    let status = mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    assert_eq!(status["error"]["code"], "remote_scan_failed", "{status}");
    wait_until_no_process_is_left(&home).await;
}
