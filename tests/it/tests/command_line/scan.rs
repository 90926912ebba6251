//! `scan`: it submits a scan, waits for it and prints its findings.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStderr, Command, Stdio},
};

use scanhost_it::{
    output::{Output, wait_for_exit},
    server::Home,
};
use serde_json::{Value, json};

use crate::{MOCK, run};

fn scan(home: &Home, options: &[&str]) -> Output {
    let config = home.config().display().to_string();
    run(home, &[&["scan", "--targets", "10.0.0.0/30", "--config", &config], options].concat())
}

#[test]
fn findings_are_printed_as_table_jsonl_or_csv() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    let lines = scan(&home, &["--format", "jsonl", "--profile", "minimal", "--name", "from a shell"]);
    assert_eq!(lines.code, Some(0), "{}", lines.stderr);
    assert_eq!(lines.records().len(), 40);
    let head: Vec<Value> = lines.stdout.lines().take(2).map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&head[0]["profile"], &head[0]["total_vulnerabilities"]), (&json!("minimal"), &json!(40)));
    assert_eq!((&head[1]["scan_name"], &head[1]["hosts_scanned"]), (&json!("from a shell"), &json!(2)));
    assert_eq!(lines.stdout.lines().count(), 2 + 40, "the output has all findings, and no pagination line");
    let csv = scan(&home, &["--format", "csv", "--profile", "minimal"]);
    let rows: Vec<&str> = csv.stdout.lines().collect();
    assert_eq!(rows.len(), 1 + 40);
    assert_eq!(rows[0], "host,plugin_id,severity,cve,cvss_score,exploit_available");
    let table = scan(&home, &["--profile", "minimal", "--filter", "host=10.0.0.2"]);
    assert_eq!(table.code, Some(0));
    assert!(table.stdout.contains("plugin_id") && table.stdout.contains("10.0.0.2"), "{}", table.stdout);
    assert!(!table.stdout.contains("10.0.0.1"), "{}", table.stdout);
}

#[test]
fn failed_or_refused_scan_exits_with_1_and_prints_nothing() {
    let scanners = format!(
        "{MOCK}\nbroken: [{{instance_id: b1, backend: mock, options: {{duration_seconds: 0, fail_at: launch}}}}]\n"
    );
    let home = Home::new(&[("scanners.yaml", &scanners), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    let table: [(&[&str], &str); 5] = [
        (&["--pool", "broken"], "failed"),
        (&["--pool", "nosuch"], "mock"),
        (&["--profile", "nosuch"], "minimal"),
        (&["--filter", "severty=High"], "severity"),
        (&["--filter", "severity=urgent"], "severity"),
    ];
    for (options, expected) in table {
        let output = scan(&home, options);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{options:?}");
        assert!(output.stderr.contains(expected), "{options:?}: {}", output.stderr);
    }
    let config = home.config().display().to_string();
    for targets in ["8.8.8.8", "", "10.0.0.0/99"] {
        let output = run(&home, &["scan", "--config", &config, "--targets", targets]);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{targets:?}: {}", output.stderr);
    }
}

#[test]
fn log_settings_of_the_configuration_do_not_affect_a_command() {
    let log = "log: {level: debug, format: json}\nlimits: {poll_seconds: 0.1}\n";
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", log)]);
    let output = scan(&home, &[]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert!(lines.len() == 1 && lines[0].ends_with("is queued"), "{lines:?}");
}

#[tokio::test]
async fn scan_in_a_paused_pool_says_that_it_waits() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    let server = home.start();
    let config = home.config().display().to_string();
    assert_eq!(run(&home, &["queue", "pause", "mock", "--config", &config]).code, Some(0));
    let mut running = ScanCommand::start(&home, &[], Stdio::null());
    assert_eq!(running.read_line(), "pool mock is paused: the scan waits until `scanhost queue resume mock`\n");
    let submit = json!({ "targets": "10.0.0.1", "name": "waits too" });
    let call = json!({ "name": "run_untrusted_scan", "arguments": submit });
    let answer = server.mcp().call_method("tools/call", call).await.expect("it is submitted");
    let hint = answer["content"][1]["text"].as_str().expect("a hint");
    assert!(hint.starts_with("Pool `mock` is paused"), "{hint}");
    assert!(answer["structuredContent"]["estimated_wait_seconds"].is_u64(), "{answer}");
    assert_eq!(run(&home, &["queue", "resume", "mock", "--config", &config]).code, Some(0));
    assert_eq!(wait_for_exit(&mut running.child), Some(0));
}

#[test]
fn profile_and_filters_are_checked_before_the_scan() {
    let slip = "slip: {fields: [host], filters: {severty: High}}";
    let home = Home::new(&[("scanners.yaml", ENDLESS), ("profiles.yaml", slip)]);
    let table: [(&[&str], &str); 3] = [
        (&["--filter", "severty=High"], "did you mean `severity`?"),
        (&["--filter", "severity=urgent"], "not a severity"),
        (&["--profile", "slip"], "`slip`"),
    ];
    for (options, expected) in table {
        let output = scan(&home, options);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{options:?}");
        assert!(
            output.stderr.contains(expected) && !output.stderr.contains("queued"),
            "{options:?}: {}",
            output.stderr
        );
    }
}

const ENDLESS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 3600}}]";

/// A running `scanhost scan`, and the task id of its scan.
struct ScanCommand {
    child: Child,
    stderr: BufReader<ChildStderr>,
    id: String,
}

impl ScanCommand {
    fn start(home: &Home, options: &[&str], stdout: Stdio) -> Self {
        let mut command = home.command(&["scan", "--targets", "10.0.0.1", "--config"]);
        command.arg(home.config()).args(options).env_remove("SCANHOST_LOG").stdout(stdout).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let stderr = BufReader::new(child.stderr.take().expect("standard error was piped"));
        let mut running = Self { child, stderr, id: String::new() };
        let line = running.read_line();
        assert!(line.starts_with("scan 0"), "{line}");
        running.id = line.split(' ').nth(1).expect("an id").to_owned();
        running
    }

    fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("the command reports what it does");
        line
    }

    fn interrupt(&self) {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(status.expect("signals can be sent").success());
    }
}

#[tokio::test]
async fn interrupt_cancels_the_scan_and_exits_with_1() {
    let home = Home::new(&[("scanners.yaml", ENDLESS), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    let mut running = ScanCommand::start(&home, &[], Stdio::null());
    running.interrupt();
    let line = running.read_line();
    assert!(line.starts_with(&format!("cancelling scan {} …", running.id)), "{line}");
    assert_eq!(wait_for_exit(&mut running.child), Some(1));
    let server = home.start();
    let status = server.mcp().call_ok("get_scan_status", json!({ "task_id": running.id })).await;
    assert_eq!(status["status"], "cancelled");
}

#[test]
fn second_interrupt_ends_the_process_at_once() {
    // The scan runs in another process, which is stopped and does not answer.
    let home = Home::new(&[("scanners.yaml", ENDLESS)]);
    let server = home.start();
    let mut running = ScanCommand::start(&home, &[], Stdio::null());
    server.send_signal("STOP");
    running.interrupt();
    running.read_line();
    running.interrupt();
    assert_eq!(wait_for_exit(&mut running.child), Some(1));
    server.send_signal("CONT");
}

#[test]
fn interrupt_while_findings_are_printed_ends_the_process() {
    let many = "mock: [{instance_id: m1, options: {duration_seconds: 0, findings_per_host: 1000}}]";
    let home = Home::new(&[("scanners.yaml", many), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    // The findings are larger than the buffer of a pipe, and nobody reads them.
    let mut running = ScanCommand::start(&home, &["--format", "jsonl", "--profile", "full"], Stdio::piped());
    let mut stdout = BufReader::new(running.child.stdout.take().expect("standard output was piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it prints");
    assert!(line.contains("schema"), "{line}");
    running.interrupt();
    assert_eq!(wait_for_exit(&mut running.child), Some(1));
}
