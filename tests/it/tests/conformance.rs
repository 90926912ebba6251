//! The protocol's official conformance suite against the server with the suite's fixtures: both versions, with tokens,
//! through a proxy that adds one, since the suite has no way to send it.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use scanhost_it::{
    installed::{conformance, node},
    output::Output,
    program::{conformance_scanhost, workspace},
    server::{Home, Server},
};
use serde_json::Value;

/// A pool for every duration that the suite's tasks have, and one whose scans fail.
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

/// Kills the process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// A proxy in front of the server, and its port.
fn proxy(server: &Server) -> (Running, String) {
    let port = server.url().rsplit(':').next().unwrap();
    let mut command = node();
    command.arg(workspace().join("tests/it/clients/add_token.mjs")).args([port, "the-suites-token"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Running(child), line.trim().to_owned())
}

/// How many checks of each scenario succeeded; any that did not fails the test.
fn passed(results: &Path) -> BTreeMap<String, usize> {
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

/// What is in the store once the server is gone: how many scans of which pool ended how.
fn rows(home: &Home) -> BTreeMap<String, usize> {
    let mut command = home.command(&["scans", "--json", "--limit", "200", "--config"]);
    command.arg(home.config());
    let listed = Output::of(command);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let mut rows = BTreeMap::new();
    for scan in &listed {
        let row = ["scanner_pool", "status"].map(|key| scan[key].as_str().unwrap()).join(" ");
        *rows.entry(row).or_default() += 1;
    }
    rows
}

/// Runs the suite for one version, which has so many checks, and returns what it left in the store.
fn check(version: &str, checks: usize, must_have: &[&str]) -> BTreeMap<String, usize> {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", SETTINGS)]);
    let mut command = Command::new(conformance_scanhost());
    command.args(["serve", "--conformance-fixtures", "--listen", "127.0.0.1:0", "--config"]).arg(home.config());
    command.env("SCANHOST_LOG", "info");
    let server = Server::start(command);
    let (_proxy, port) = proxy(&server);
    let results = home.path().join("results");
    let mut suite = conformance();
    suite.args(["server", "--requirements", version, "--url", &format!("http://127.0.0.1:{port}/mcp"), "-o"]);
    suite.arg(&results).current_dir(home.path());
    let output = Output::of(suite);
    assert!(results.is_dir(), "the suite did not begin: {}{}", output.stdout, output.stderr);
    let passed = passed(&results);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    let all: usize = passed.values().sum();
    assert_eq!(all, checks, "{version}: {passed:#?}");
    for scenario in must_have {
        assert!(passed.keys().any(|name| name.contains(scenario)), "{scenario} did not run: {passed:#?}");
    }
    server.kill();
    let rows = rows(&home);
    println!("{version}: {all} checks of {} scenarios passed; in the store are {rows:?}", passed.len());
    rows
}

#[test]
fn the_era_with_sessions_conforms() {
    let rows = check("2025-11-25", 83, &["server-session-lifecycle", "tools-call-elicitation", "resources-subscribe"]);
    assert!(rows.is_empty(), "its tasks are of the other era: {rows:?}");
}

#[test]
fn the_stateless_era_conforms_with_its_tasks() {
    let rows = check("2026-07-28", 196, &["server-stateless", "caching", "tasks-lifecycle", "tasks-mrtr-composition"]);
    for row in ["seconds_0 completed", "seconds_2 completed", "seconds_60 cancelled", "failing failed"] {
        assert!(rows.contains_key(row), "every task was a scan: {rows:?}");
    }
}
