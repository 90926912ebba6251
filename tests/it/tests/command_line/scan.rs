//! `scan`: from targets to findings in one command.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStderr, Command, Stdio},
};

use scanhost_it::{
    output::{Output, ended},
    server::Home,
};
use serde_json::{Value, json};

use crate::{MOCK, run};

fn scan(home: &Home, options: &[&str]) -> Output {
    let config = home.config().display().to_string();
    run(home, &[&["scan", "--targets", "10.0.0.0/30", "--config", &config], options].concat())
}

#[test]
fn findings_are_printed_as_table_lines_or_csv() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    let lines = scan(&home, &["--format", "jsonl", "--profile", "minimal", "--name", "from a shell"]);
    assert_eq!(lines.code, Some(0), "{}", lines.stderr);
    assert_eq!(lines.records().len(), 40);
    let head: Vec<Value> = lines.stdout.lines().take(2).map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&head[0]["profile"], &head[0]["total_vulnerabilities"]), (&json!("minimal"), &json!(40)));
    assert_eq!((&head[1]["scan_name"], &head[1]["hosts_scanned"]), (&json!("from a shell"), &json!(2)));
    assert_eq!(lines.stdout.lines().count(), 2 + 40, "everything, so there are no pages");
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
fn what_cannot_be_scanned_exits_with_1_and_prints_nothing() {
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
    for (options, said) in table {
        let output = scan(&home, options);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{options:?}");
        assert!(output.stderr.contains(said), "{options:?}: {}", output.stderr);
    }
    let config = home.config().display().to_string();
    for targets in ["8.8.8.8", "", "10.0.0.0/99"] {
        let output = run(&home, &["scan", "--config", &config, "--targets", targets]);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{targets:?}: {}", output.stderr);
    }
}

#[test]
fn the_log_of_the_configuration_is_not_for_a_command() {
    let log = "log: {level: debug, format: json}\nlimits: {poll_seconds: 0.1}\n";
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", log)]);
    let output = scan(&home, &[]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert!(lines.len() == 1 && lines[0].ends_with("is queued"), "{lines:?}");
}

#[tokio::test]
async fn a_scan_that_waits_for_a_paused_pool_says_so() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    let server = home.start();
    let config = home.config().display().to_string();
    assert_eq!(run(&home, &["queue", "pause", "mock", "--config", &config]).code, Some(0));
    let mut running = Running::start(&home, &[], Stdio::null());
    assert_eq!(running.line(), "pool mock is paused: the scan waits until `scanhost queue resume mock`\n");
    let submit = json!({ "targets": "10.0.0.1", "name": "waits too" });
    let call = json!({ "name": "run_untrusted_scan", "arguments": submit });
    let answer = server.mcp().method("tools/call", call).await.expect("it is submitted");
    let hint = answer["content"][1]["text"].as_str().expect("a hint");
    assert!(hint.starts_with("Pool `mock` is paused"), "{hint}");
    assert!(answer["structuredContent"]["estimated_wait_seconds"].is_u64(), "{answer}");
    assert_eq!(run(&home, &["queue", "resume", "mock", "--config", &config]).code, Some(0));
    assert_eq!(ended(&mut running.child), Some(0));
}

#[test]
fn what_is_asked_of_the_results_is_checked_before_anything_is_scanned() {
    let slip = "slip: {fields: [host], filters: {severty: High}}";
    let home = Home::new(&[("scanners.yaml", ENDLESS), ("profiles.yaml", slip)]);
    let table: [(&[&str], &str); 3] = [
        (&["--filter", "severty=High"], "did you mean `severity`?"),
        (&["--filter", "severity=urgent"], "not a severity"),
        (&["--profile", "slip"], "`slip`"),
    ];
    for (options, said) in table {
        let output = scan(&home, options);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{options:?}");
        assert!(output.stderr.contains(said) && !output.stderr.contains("queued"), "{options:?}: {}", output.stderr);
    }
}

const ENDLESS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 3600}}]";

/// A scan from a shell, and its id.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    id: String,
}

impl Running {
    fn start(home: &Home, options: &[&str], stdout: Stdio) -> Self {
        let mut command = home.command(&["scan", "--targets", "10.0.0.1", "--config"]);
        command.arg(home.config()).args(options).env_remove("SCANHOST_LOG").stdout(stdout).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let stderr = BufReader::new(child.stderr.take().expect("standard error was piped"));
        let mut running = Self { child, stderr, id: String::new() };
        let line = running.line();
        assert!(line.starts_with("scan 0"), "{line}");
        running.id = line.split(' ').nth(1).expect("an id").to_owned();
        running
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("it tells what it does");
        line
    }

    fn interrupt(&self) {
        let told = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(told.expect("signals can be sent").success());
    }
}

#[tokio::test]
async fn an_interrupt_cancels_the_scan_and_exits_with_1() {
    let home = Home::new(&[("scanners.yaml", ENDLESS), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    let mut running = Running::start(&home, &[], Stdio::null());
    running.interrupt();
    let line = running.line();
    assert!(line.starts_with(&format!("cancelling scan {} …", running.id)), "{line}");
    assert_eq!(ended(&mut running.child), Some(1));
    let server = home.start();
    let status = server.mcp().ok("get_scan_status", json!({ "task_id": running.id })).await;
    assert_eq!(status["status"], "cancelled");
}

#[test]
fn a_second_interrupt_ends_the_process_at_once() {
    // The host of the scan is another process, which is stopped and so answers nothing.
    let home = Home::new(&[("scanners.yaml", ENDLESS)]);
    let server = home.start();
    let mut running = Running::start(&home, &[], Stdio::null());
    server.signal("STOP");
    running.interrupt();
    running.line();
    running.interrupt();
    assert_eq!(ended(&mut running.child), Some(1));
    server.signal("CONT");
}

#[test]
fn an_interrupt_while_findings_are_printed_ends_the_process() {
    let many = "mock: [{instance_id: m1, options: {duration_seconds: 0, findings_per_host: 1000}}]";
    let home = Home::new(&[("scanners.yaml", many), ("scanhost.yaml", "limits: {poll_seconds: 0.1}\n")]);
    // More than a pipe takes, and nobody reads on.
    let mut running = Running::start(&home, &["--format", "jsonl", "--profile", "full"], Stdio::piped());
    let mut stdout = BufReader::new(running.child.stdout.take().expect("standard output was piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it prints");
    assert!(line.contains("schema"), "{line}");
    running.interrupt();
    assert_eq!(ended(&mut running.child), Some(1));
}
