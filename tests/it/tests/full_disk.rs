//! A data folder on a small file system that fills up: nothing new is taken, nothing is torn, and all goes on once there
//! is room.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use scanhost_it::{
    lab::{SCAN_TIME, wait_until},
    raw::{arguments, submit, until},
    server::{Home, Server},
};
use serde_json::{Value, json};

/// The first scan runs while the disk fills up, and its report comes when it is full.
const SLOW: &str = "mock: [{instance_id: m1, options: {duration_seconds: 15, hosts: 3, findings_per_host: 20}}]";

/// Starts a server whose data folder is a file system of its own, of so many bytes. It ends with the process.
fn start(home: &Home, bytes: u32) -> Server {
    let served = home.serving();
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=$1 tmpfs \"$2\" && shift 2 && exec \"$@\"";
    // Root in a namespace of its own may mount, whoever this is outside.
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    command.arg(bytes.to_string()).arg(home.data()).arg(served.get_program()).args(served.get_args());
    command.current_dir(home.path()).env("SCANHOST_LOG", "info");
    Server::start(command)
}

/// The data folder as the server sees it.
fn data(home: &Home, server: &Server) -> PathBuf {
    let inside = home.data().strip_prefix("/").expect("it is absolute").to_owned();
    PathBuf::from(format!("/proc/{}/root", server.pid())).join(inside)
}

async fn ready(server: &Server) -> (u16, Value) {
    let answer = server.mcp().http().get(format!("{}/ready", server.url())).send().await.expect("it answers");
    let code = answer.status().as_u16();
    (code, serde_json::from_str(&answer.text().await.expect("text")).expect("JSON"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_nothing_new_and_loses_nothing() {
    let home = Home::new(&[("scanners.yaml", SLOW), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    let server = start(&home, 64 << 20);
    let mcp = server.mcp();
    assert_eq!(ready(&server).await.0, 200);
    let running = submit(&mcp, json!({ "idempotency_key": "k" })).await;
    until(&mcp, &running, "running").await;

    let filler = data(&home, &server).join("filler");
    let full = fs::write(&filler, vec![0; 64 << 20]).expect_err("it does not fit");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let begin = Instant::now();
    let (code, message, hint) = mcp.refused("run_untrusted_scan", arguments(json!({}))).await;
    assert_eq!(code, "unavailable", "{message}");
    assert!(message.contains("disk") && message.contains("full") && hint.contains("room"), "{message} {hint}");
    assert!(begin.elapsed() < Duration::from_secs(15), "it is refused at once");
    let (code, state) = ready(&server).await;
    assert_eq!((code, &state["disk"]["ok"]), (503, &json!(false)), "{state}");
    let again = mcp.ok("run_untrusted_scan", arguments(json!({ "idempotency_key": "k" }))).await;
    assert_eq!(again["task_id"], running.as_str(), "what was taken before is known");
    // Longer than the scan takes: its report finds no room.
    wait_until("the scan waits for room", || {
        server.log().contains("waiting for room") || server.log().contains("could not be stored")
    })
    .await;
    assert_eq!(mcp.ok("get_scan_status", json!({ "task_id": running })).await["status"], "running");

    fs::remove_file(&filler).expect("it can be removed");
    let ended = mcp.ended(&running, SCAN_TIME).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let lines = mcp.results(json!({ "task_id": running, "page": 0 })).await;
    assert_eq!(lines.len(), 2 + 20, "its findings are all there");
    let start = Instant::now();
    while ready(&server).await.0 != 200 {
        assert!(start.elapsed() < SCAN_TIME, "it does not become ready again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let next = submit(&mcp, json!({})).await;
    until(&mcp, &next, "completed").await;
}
