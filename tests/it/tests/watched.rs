//! What an operator sees of a host that runs: its log, what it tells systemd, its queues again and again.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::net::UnixDatagram,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use scanhost_it::{
    lab::{Lab, SCAN_TIME, instant, lab_report, wait_until},
    output::{Output, ended},
    server::{Home, Server},
};
use serde_json::{Value, json};

const MOCK: &str = "mock: [{instance_id: m1, max_concurrent_scans: 4, options: {duration_seconds: 0}}]";

/// Far above what a message on this machine takes.
const BOUND: Duration = Duration::from_secs(30);

fn lines(log: &str) -> Vec<Value> {
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test]
async fn every_line_of_a_scan_has_its_trace() {
    let lab = Lab::new(instant(lab_report())).await;
    let submitted = lab.mcp.ok("run_untrusted_scan", json!({ "targets": "10.20.0.11", "name": "traced" })).await;
    let (id, trace) = (submitted["task_id"].clone(), submitted["trace_id"].clone());
    assert_eq!(lab.mcp.ended(id.as_str().unwrap(), SCAN_TIME).await["status"], "completed");
    // It is told when it is stored, which a question may come before.
    wait_until("the line of its end", || lab.server.log().contains("\"scan ended\"")).await;
    let log = lines(&lab.server.log());
    let of_scan: Vec<&Value> = log.iter().filter(|line| line["scan"] == id).collect();
    assert!(of_scan.len() > 5, "{of_scan:?}");
    assert!(of_scan.iter().all(|line| line["trace"] == trace), "{of_scan:?}");
    for message in ["scan submitted", "scan claimed", "phase", "scanner request", "scan ended"] {
        let found = log.iter().any(|line| line["message"] == message && line["trace"] == trace);
        assert!(found, "{message} of {trace}");
    }
    assert!(log.iter().any(|line| line["plugin"] == "nessus" || line["tool"] == "run_untrusted_scan"));
}

#[tokio::test]
async fn the_level_comes_from_the_configuration_and_the_variable_goes_before_it() {
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
        let told_debug = || lines(&server.log()).iter().any(|line| line["level"] == "DEBUG");
        if has_debug {
            wait_until("a line for debugging", told_debug).await;
        } else {
            assert!(!told_debug(), "{log} {variable:?}: {}", server.log());
        }
    }
}

#[test]
fn systemd_hears_that_it_is_ready_lives_and_ends() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let path = home.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    let hears = |word: &str| {
        let start = Instant::now();
        while start.elapsed() < BOUND {
            let mut message = [0; 512];
            let length = socket.recv(&mut message).unwrap();
            if String::from_utf8_lossy(&message[..length]).lines().any(|line| line == word) {
                return;
            }
        }
        panic!("no {word}");
    };
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--config", "config"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "600000");
    let server = Server::start(command);
    hears("READY=1");
    hears("WATCHDOG=1");
    hears("WATCHDOG=1");
    assert_eq!(server.terminate(), Some(0));
    hears("STOPPING=1");
}

#[test]
fn the_queue_is_shown_again_and_again() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let _server = home.start();
    let mut command = home.command(&["queue", "--watch=0.1", "--json", "--config", "config"]);
    let mut watching: Child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let shown = BufReader::new(watching.stdout.take().unwrap()).lines().take(3);
    for line in shown {
        let pools: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(pools[0]["pool"], "mock");
    }
    watching.kill().unwrap();
    ended(&mut watching);
}

#[test]
fn shells_take_their_completions() {
    let home = Home::new(&[]);
    for (shell, option) in [("bash", "--watch"), ("zsh", "--watch"), ("fish", "-l watch")] {
        let script = Output::of(home.command(&["completions", shell]));
        assert_eq!(script.code, Some(0), "{}", script.stderr);
        assert!(script.stdout.contains("dlq") && script.stdout.contains(option), "{shell}");
    }
    let bash = Output::of(home.command(&["completions", "bash"]));
    let mut shell = std::process::Command::new("bash");
    let checked = shell.args(["-n"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut checked = checked.unwrap();
    std::io::Write::write_all(&mut checked.stdin.take().unwrap(), bash.stdout.as_bytes()).unwrap();
    assert!(checked.wait().unwrap().success());
}

#[tokio::test]
async fn a_host_that_is_told_to_end_under_load_loses_no_scan() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "limits: {poll_seconds: 0.2}\n")]);
    let server = home.start();
    let mcp = server.mcp();
    let mut ids = Vec::new();
    for number in 0..40 {
        let submitted =
            mcp.ok("run_untrusted_scan", json!({ "targets": "10.0.0.1", "name": format!("n{number}") })).await;
        ids.push(submitted["task_id"].as_str().unwrap().to_owned());
    }
    let told = Instant::now();
    assert_eq!(server.terminate(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(40), "{:?}", told.elapsed());
    let server = home.start();
    let mcp = server.mcp();
    for id in ids {
        assert_eq!(mcp.ended(&id, SCAN_TIME).await["status"], "completed", "{id}");
    }
}
