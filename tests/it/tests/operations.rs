//! A running host as operators see it: its log, its messages to systemd, `queue --watch`, and its shutdown.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::net::UnixDatagram,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use scanhost_it::{
    output::{Output, wait_for_exit},
    server::{Home, Server},
    testbed::{SCAN_TIMEOUT, Testbed, four_host_report, instant_scans, wait_until},
};
use serde_json::{Value, json};

const MOCK: &str = "mock: [{instance_id: m1, max_concurrent_scans: 4, options: {duration_seconds: 0}}]";

/// The longest time until a message to systemd.
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(30);

fn parse_log(log: &str) -> Vec<Value> {
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test]
async fn every_log_line_of_a_scan_has_its_trace_id() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let submitted =
        testbed.mcp.call_ok("run_untrusted_scan", json!({ "targets": "10.20.0.11", "name": "traced" })).await;
    let (id, trace) = (submitted["task_id"].clone(), submitted["trace_id"].clone());
    assert_eq!(testbed.mcp.wait_for_end(id.as_str().unwrap(), SCAN_TIMEOUT).await["status"], "completed");
    // The line is written after the end is stored, so the status may be visible before it.
    wait_until("the log line about the end of the scan", || testbed.server.log().contains("\"scan ended\"")).await;
    let log = parse_log(&testbed.server.log());
    let scan_lines: Vec<&Value> = log.iter().filter(|line| line["scan"] == id).collect();
    assert!(scan_lines.len() > 5, "{scan_lines:?}");
    assert!(scan_lines.iter().all(|line| line["trace"] == trace), "{scan_lines:?}");
    for message in ["scan submitted", "scan claimed", "phase", "scanner request", "scan ended"] {
        let found = log.iter().any(|line| line["message"] == message && line["trace"] == trace);
        assert!(found, "the log has no line {message} with the trace {trace}");
    }
    assert!(log.iter().any(|line| line["plugin"] == "nessus" || line["tool"] == "run_untrusted_scan"));
}

#[tokio::test]
async fn log_level_comes_from_the_environment_before_the_configuration() {
    for (log, variable, has_debug) in [("debug", None, true), ("info", None, false), ("debug", Some("info"), false)] {
        let text = format!("limits: {{poll_seconds: 0.2}}\nlog: {{level: {log}, format: json}}\n");
        let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", &text)]);
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--config", "config"]);
        match variable {
            Some(level) => command.env("SCANHOST_LOG", level),
            None => command.env_remove("SCANHOST_LOG"),
        };
        let server = Server::start(command);
        server.mcp().call("get_scan_status", json!({ "task_id": "no id" })).await;
        let has_debug_line = || parse_log(&server.log()).iter().any(|line| line["level"] == "DEBUG");
        if has_debug {
            wait_until("a debug line", has_debug_line).await;
        } else {
            assert!(!has_debug_line(), "{log} {variable:?}: {}", server.log());
        }
    }
}

#[test]
fn systemd_is_notified_of_ready_watchdog_and_stopping() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let path = home.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(NOTIFY_TIMEOUT)).unwrap();
    let wait_for_message = |expected: &str| {
        let start = Instant::now();
        while start.elapsed() < NOTIFY_TIMEOUT {
            let mut message = [0; 512];
            let length = socket.recv(&mut message).unwrap();
            if String::from_utf8_lossy(&message[..length]).lines().any(|line| line == expected) {
                return;
            }
        }
        panic!("there was no message {expected}");
    };
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--config", "config"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "600000");
    let server = Server::start(command);
    wait_for_message("READY=1");
    wait_for_message("WATCHDOG=1");
    wait_for_message("WATCHDOG=1");
    assert_eq!(server.terminate(), Some(0));
    wait_for_message("STOPPING=1");
}

#[test]
fn queue_watch_prints_the_queue_repeatedly() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let _server = home.start();
    let mut command = home.command(&["queue", "--watch=0.1", "--json", "--config", "config"]);
    let mut watch: Child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines().take(3);
    for line in lines {
        let pools: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(pools[0]["pool"], "mock");
    }
    watch.kill().unwrap();
    wait_for_exit(&mut watch);
}

#[test]
fn shell_completions_are_valid() {
    let home = Home::new(&[]);
    for (shell, option) in [("bash", "--watch"), ("zsh", "--watch"), ("fish", "-l watch")] {
        let script = Output::run(home.command(&["completions", shell]));
        assert_eq!(script.code, Some(0), "{}", script.stderr);
        assert!(script.stdout.contains("dlq") && script.stdout.contains(option), "{shell}");
    }
    let bash = Output::run(home.command(&["completions", "bash"]));
    let mut shell = std::process::Command::new("bash");
    let syntax_check = shell.args(["-n"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut syntax_check = syntax_check.unwrap();
    std::io::Write::write_all(&mut syntax_check.stdin.take().unwrap(), bash.stdout.as_bytes()).unwrap();
    assert!(syntax_check.wait().unwrap().success());
}

#[tokio::test]
async fn shutdown_under_load_loses_no_scan() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "limits: {poll_seconds: 0.2}\n")]);
    let server = home.start();
    let mcp = server.mcp();
    let mut ids = Vec::new();
    for number in 0..40 {
        let submitted =
            mcp.call_ok("run_untrusted_scan", json!({ "targets": "10.0.0.1", "name": format!("n{number}") })).await;
        ids.push(submitted["task_id"].as_str().unwrap().to_owned());
    }
    let start = Instant::now();
    assert_eq!(server.terminate(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
    let server = home.start();
    let mcp = server.mcp();
    for id in ids {
        assert_eq!(mcp.wait_for_end(&id, SCAN_TIMEOUT).await["status"], "completed", "{id}");
    }
}
