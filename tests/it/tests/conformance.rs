//! The official MCP conformance suite, with both protocol versions, against a server that has the suite's fixtures. The
//! server requires a token, which a proxy adds, since the suite cannot send one.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use scanhost_it::{
    output::Output,
    program::{conformance_scanhost, workspace},
    server::{Home, Server},
    third_party::{conformance, node},
};
use serde_json::Value;

/// A pool for each duration of the suite's tasks, and a pool whose scans fail.
const SCANNERS: &str = "
seconds_0: [{instance_id: s0, backend: mock, max_concurrent_scans: 9, options: {duration_seconds: 0}}]
seconds_1: [{instance_id: s1, backend: mock, max_concurrent_scans: 9, options: {duration_seconds: 1}}]
seconds_2: [{instance_id: s2, backend: mock, max_concurrent_scans: 9, options: {duration_seconds: 2}}]
seconds_60: [{instance_id: s60, backend: mock, max_concurrent_scans: 9, options: {duration_seconds: 60}}]
failing: [{instance_id: f, backend: mock, max_concurrent_scans: 9, options: {duration_seconds: 0, fail_at: create}}]
";

const SETTINGS: &str = "
limits: {poll_seconds: 0.1, calls_per_minute: 1000000}
tokens: [{name: suite, scopes: [scan:read, scan:submit], token: the-suites-token}]
";

/// A child process that is killed at the end of the test.
struct ChildProcess(Child);

impl Drop for ChildProcess {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Starts a proxy in front of the server, and returns its process and its port.
fn start_proxy(server: &Server) -> (ChildProcess, String) {
    let port = server.url().rsplit(':').next().unwrap();
    let mut command = node();
    command.arg(workspace().join("tests/it/clients/add_token.mjs")).args([port, "the-suites-token"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (ChildProcess(child), line.trim().to_owned())
}

/// Returns the number of successful checks of each scenario, and panics if a check failed.
fn count_passed(results: &Path) -> BTreeMap<String, usize> {
    let mut passed = BTreeMap::new();
    for entry in fs::read_dir(results).unwrap() {
        let folder = entry.unwrap().path();
        let checks = fs::read_to_string(folder.join("checks.json")).unwrap();
        let checks: Vec<Value> = serde_json::from_str(&checks).unwrap();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        for check in &checks {
            assert!(check["status"] != "FAILURE" && check["status"] != "WARNING", "{name}: {check}");
        }
        passed.insert(name, checks.iter().filter(|check| check["status"] == "SUCCESS").count());
    }
    passed
}

/// Counts the stored scans by pool and status, after the server has ended.
fn count_scans(home: &Home) -> BTreeMap<String, usize> {
    let mut command = home.command(&["scans", "--json", "--limit", "200", "--config"]);
    command.arg(home.config());
    let listed = Output::run(command);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let mut counts = BTreeMap::new();
    for scan in &listed {
        let row = ["scanner_pool", "status"].map(|key| scan[key].as_str().unwrap()).join(" ");
        *counts.entry(row).or_default() += 1;
    }
    counts
}

/// Runs the suite for one protocol version, which has this many checks, and returns the counts of the stored scans.
fn check_suite(version: &str, checks: usize, required_scenarios: &[&str]) -> BTreeMap<String, usize> {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", SETTINGS)]);
    let mut command = Command::new(conformance_scanhost());
    command.args(["serve", "--conformance-fixtures", "--listen", "127.0.0.1:0", "--config"]).arg(home.config());
    command.env("SCANHOST_LOG", "info");
    let server = Server::start(command);
    let (_proxy, port) = start_proxy(&server);
    let results = home.path().join("results");
    let mut suite = conformance();
    suite.args(["server", "--requirements", version, "--url", &format!("http://127.0.0.1:{port}/mcp"), "-o"]);
    suite.arg(&results).current_dir(home.path());
    let output = Output::run(suite);
    assert!(results.is_dir(), "the suite did not start: {}{}", output.stdout, output.stderr);
    let passed = count_passed(&results);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    let all: usize = passed.values().sum();
    assert_eq!(all, checks, "{version}: {passed:#?}");
    for scenario in required_scenarios {
        assert!(passed.keys().any(|name| name.contains(scenario)), "{scenario} did not run: {passed:#?}");
    }
    server.kill();
    let counts = count_scans(&home);
    println!("{version}: {all} checks of {} scenarios passed; the store has {counts:?}", passed.len());
    counts
}

#[test]
fn server_conforms_to_protocol_2025_11_25() {
    let counts =
        check_suite("2025-11-25", 83, &["server-session-lifecycle", "tools-call-elicitation", "resources-subscribe"]);
    assert!(counts.is_empty(), "this version has no tasks, so there are no scans: {counts:?}");
}

#[test]
fn server_conforms_to_protocol_2026_07_28_with_its_tasks() {
    let counts =
        check_suite("2026-07-28", 196, &["server-stateless", "caching", "tasks-lifecycle", "tasks-mrtr-composition"]);
    for row in ["seconds_0 completed", "seconds_2 completed", "seconds_60 cancelled", "failing failed"] {
        assert!(counts.contains_key(row), "every task is a scan: {counts:?}");
    }
}
