//! The data folder is on a small file system that fills up: new scans are refused, no scan is lost, and the server
//! continues once there is room again.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use scanhost_it::{
    scans::{scan_arguments, submit, wait_for_status},
    server::{Home, Server},
    testbed::{SCAN_TIMEOUT, wait_until},
};
use serde_json::{Value, json};

/// A scanner so slow that the report of the first scan arrives when the disk is full.
const SLOW: &str = "mock: [{instance_id: m1, options: {duration_seconds: 15, hosts: 3, findings_per_host: 20}}]";

/// Starts a server whose data folder is a separate file system of this size, which ends with the process.
fn start(home: &Home, bytes: u32) -> Server {
    let serve = home.serve_command();
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=$1 tmpfs \"$2\" && shift 2 && exec \"$@\"";
    // In a user namespace of its own, any user may mount a file system.
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    command.arg(bytes.to_string()).arg(home.data()).arg(serve.get_program()).args(serve.get_args());
    command.current_dir(home.path()).env("SCANHOST_LOG", "info");
    Server::start(command)
}

/// The path of the data folder in the namespace of the server.
fn data_folder(home: &Home, server: &Server) -> PathBuf {
    let inside = home.data().strip_prefix("/").expect("the path is absolute").to_owned();
    PathBuf::from(format!("/proc/{}/root", server.pid())).join(inside)
}

async fn ready(server: &Server) -> (u16, Value) {
    let answer = server.mcp().http().get(format!("{}/ready", server.url())).send().await.expect("the server answers");
    let code = answer.status().as_u16();
    (code, serde_json::from_str(&answer.text().await.expect("text")).expect("JSON"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_refuses_new_scans_and_loses_none() {
    let home = Home::new(&[("scanners.yaml", SLOW), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    let server = start(&home, 64 << 20);
    let mcp = server.mcp();
    assert_eq!(ready(&server).await.0, 200);
    let running = submit(&mcp, json!({ "idempotency_key": "k" })).await;
    wait_for_status(&mcp, &running, "running").await;

    let filler = data_folder(&home, &server).join("filler");
    let full = fs::write(&filler, vec![0; 64 << 20]).expect_err("the filler does not fit");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let begin = Instant::now();
    let (code, message, hint) = mcp.call_refused("run_untrusted_scan", scan_arguments(json!({}))).await;
    assert_eq!(code, "unavailable", "{message}");
    assert!(message.contains("disk") && message.contains("full") && hint.contains("space"), "{message} {hint}");
    assert!(begin.elapsed() < Duration::from_secs(15), "the refusal is immediate");
    let (code, state) = ready(&server).await;
    assert_eq!((code, &state["disk"]["ok"]), (503, &json!(false)), "{state}");
    let again = mcp.call_ok("run_untrusted_scan", scan_arguments(json!({ "idempotency_key": "k" }))).await;
    assert_eq!(again["task_id"], running.as_str(), "the scan from before is known");
    // The scan completes at its scanner, and its report does not fit on the disk.
    wait_until("the scan to wait for room", || {
        server.log().contains("waits for the data folder") || server.log().contains("could not be stored")
    })
    .await;
    assert_eq!(mcp.call_ok("get_scan_status", json!({ "task_id": running })).await["status"], "running");

    fs::remove_file(&filler).expect("the filler can be removed");
    let ended = mcp.wait_for_end(&running, SCAN_TIMEOUT).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let lines = mcp.results(json!({ "task_id": running, "page": 0 })).await;
    assert_eq!(lines.len(), 2 + 20, "all findings are stored");
    let start = Instant::now();
    while ready(&server).await.0 != 200 {
        assert!(start.elapsed() < SCAN_TIMEOUT, "the server does not become ready again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let next = submit(&mcp, json!({})).await;
    wait_for_status(&mcp, &next, "completed").await;
}
