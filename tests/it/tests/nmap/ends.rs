//! However a scan ends, and however its host does: nothing of its program is left.

use std::time::Duration;

use scanhost_it::lab::{SCAN_TIME, wait_until};
use serde_json::json;

use crate::means::{ENDLESS, home, processes, running, until_none_is_left};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_ends_the_program_with_all_it_has_started() {
    let home = home(ENDLESS, "", "");
    let (_server, mcp, id) = running(&home).await;
    let progress = || async { mcp.ok("get_scan_status", json!({ "task_id": id })).await["progress"].as_u64() };
    let deadline = tokio::time::Instant::now() + SCAN_TIME;
    while progress().await != Some(22) {
        assert!(tokio::time::Instant::now() < deadline, "the progress is that of nmap");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    mcp.ok("cancel_scan", json!({ "task_id": id })).await;
    let status = mcp.ended(&id, SCAN_TIME).await;
    assert_eq!(status["status"], "cancelled", "{status}");
    assert_eq!(processes(&home), Vec::<String>::new(), "gone before the scan is said to have ended");
    let left = std::fs::read_dir(home.data().join("tasks").join(&id)).expect("the scan's folder").flatten();
    let left: Vec<_> =
        left.map(|entry| entry.file_name()).filter(|name| name.to_string_lossy().contains("program")).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new(), "its folder is removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_out_of_time_ends_its_program() {
    let home = home(ENDLESS, "", "");
    let (_server, mcp, id) = running(&home).await;
    home.write(
        "scanhost.yaml",
        &std::fs::read_to_string(home.config().join("scanhost.yaml"))
            .expect("the file is there")
            .replace("limits: {poll_seconds: 0.2}", "limits: {poll_seconds: 0.2, scan_hours: 0.001}"),
    );
    let status = mcp.ended(&id, SCAN_TIME).await;
    assert_eq!(status["status"], "timeout", "{status}");
    assert_eq!(processes(&home), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_a_running_scan_ends_its_program() {
    let home = home(ENDLESS, "", "");
    let (_server, mcp, id) = running(&home).await;
    mcp.ok("delete_scan", json!({ "task_id": id, "force": true })).await;
    until_none_is_left(&home).await;
}

/// It cannot be picked up again, so it is lost at once: nobody has to wait for the next start to learn that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_told_to_end_leaves_no_program_and_no_scan_that_seems_to_run() {
    let home = home(ENDLESS, "", "");
    let (server, _, id) = running(&home).await;
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(processes(&home), Vec::<String>::new(), "gone when the host is");
    let output = scanhost_it::output::Output::of(shown(&home, &["scans", "--status", "failed"]));
    assert!(output.stdout.contains(&id) && output.stdout.contains("worker_lost"), "{output:?}");
    check_lost(&home, &id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_leaves_no_program() {
    let home = home(ENDLESS, "", "");
    let (server, _, id) = running(&home).await;
    server.kill();
    until_none_is_left(&home).await;
    check_lost(&home, &id).await;
}

/// At the next start the scan has failed, is a dead letter, and nothing runs for it again.
async fn check_lost(home: &scanhost_it::server::Home, id: &str) {
    let server = home.start();
    let mcp = server.mcp();
    let status = mcp.ended(id, SCAN_TIME).await;
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("failed"), &json!("worker_lost")), "{status}");
    let pool = mcp.ok("get_queue_status", json!({ "scanner_pool": "nmap" })).await;
    assert_eq!(pool["dead_letters"], 1, "{pool}");
    assert_eq!(processes(home), Vec::<String>::new());
}

fn shown(home: &scanhost_it::server::Home, arguments: &[&str]) -> std::process::Command {
    let mut command = home.command(arguments);
    command.args(["--json", "--config"]).arg(home.config());
    command
}

/// Who kills the supervisor kills its program too, and the scan has an end that says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_supervisor_takes_its_program_with_it() {
    let home = home("exec BIN/sleeper 3600\n", "", "");
    let server = home.start();
    let mcp = server.mcp();
    let id = crate::means::submit(&mcp).await;
    let of = |part: &str| processes(&home).into_iter().find(|process| process.contains(part));
    wait_until("the program", || of("sleeper").is_some()).await;
    let supervisor = of("supervise-program").expect("a supervisor");
    let supervisor = supervisor.split_once(' ').expect("an id and a command").0;
    let killed = std::process::Command::new("kill").args(["-KILL", supervisor]).status();
    assert!(killed.expect("signals can be sent").success());
    let status = mcp.ended(&id, SCAN_TIME).await;
    assert_eq!(status["error"]["code"], "remote_scan_failed", "{status}");
    until_none_is_left(&home).await;
}
