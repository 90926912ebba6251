//! Third-party clients drive the server: the official Python client and MCP Inspector, over HTTP and stdio and with
//! both protocol versions, and the example programs in `tests/clients`. Tenable's own client drives the fake Nessus.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

use std::{fs, path::PathBuf, process::Command};

use fake_nessus::{ApiKeys, FakeNessus, Login, Reports, Settings};
use scanhost_it::{
    output::Output,
    program::{scanhost, workspace},
    server::{Home, Server},
    third_party::{inspector, node, node_modules, python},
};
use serde_json::{Value, json};

const SCANNERS: &str = "
mock: [{instance_id: mock1, options: {duration_seconds: 0.5, findings_per_host: 40}}]
mock_slow: [{instance_id: mock2, options: {duration_seconds: 600}}]
";

/// How a client reaches the server.
#[derive(Clone, Copy, Debug)]
enum Transport {
    Http,
    Stdio,
}

/// A running server, or a home in which clients start one by `scanhost stdio`.
struct Target {
    home: Home,
    server: Option<Server>,
}

impl Target {
    fn new(transport: Transport) -> Self {
        Self::with(SCANNERS, transport)
    }

    fn with(scanners: &str, transport: Transport) -> Self {
        let home = Home::new(&[("scanners.yaml", scanners)]);
        let server = match transport {
            Transport::Http => Some(home.start()),
            Transport::Stdio => None,
        };
        Self { home, server }
    }

    /// The last command-line arguments of a client: the address of the server, or the command that starts it.
    fn arguments(&self) -> Vec<String> {
        match &self.server {
            Some(server) => vec![format!("{}/mcp", server.url())],
            None => {
                let paths = [scanhost().to_owned(), self.home.config()].map(|path| path.to_str().unwrap().to_owned());
                let [program, config] = paths;
                vec![program, "stdio".to_owned(), "--config".to_owned(), config]
            }
        }
    }
}

fn script(name: &str) -> PathBuf {
    workspace().join("tests/it/clients").join(name)
}

fn check_python(transport: Transport, mode: &str, protocol: &str) {
    let target = Target::new(transport);
    let mut command = python();
    command.arg(script("mcp_session.py")).arg(mode).args(target.arguments());
    let output = Output::run(command);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.starts_with(&format!("ok: protocol {protocol}, ")), "{}", output.stdout);
}

#[test]
fn python_drives_every_tool_over_http() {
    check_python(Transport::Http, "auto", "2026-07-28");
}

#[test]
fn python_drives_every_tool_over_http_after_initialize() {
    check_python(Transport::Http, "legacy", "2025-11-25");
}

#[test]
fn python_drives_every_tool_over_stdio() {
    check_python(Transport::Stdio, "auto", "2026-07-28");
}

#[test]
fn python_drives_every_tool_over_stdio_after_initialize() {
    check_python(Transport::Stdio, "legacy", "2025-11-25");
}

/// The command line of MCP Inspector. Every call is a process and a connection of its own, and over stdio it also
/// starts a server of its own.
struct Inspector {
    target: Target,
    era: &'static str,
}

impl Inspector {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command: Command = inspector();
        // Inspector keeps its settings in the home folder of its user.
        command.env("HOME", self.target.home.path()).env("MCP_CATALOG_PATH", self.target.home.path().join("catalog"));
        command.args(["--protocol-era", self.era, "--format", "json"]).args(arguments);
        command.arg("--").args(self.target.arguments());
        Output::run(command)
    }

    /// Calls a tool, and returns the structured content, or the parsed lines if the answer is only text.
    fn call(&self, tool: &str, arguments: Value) -> Value {
        let arguments = arguments.to_string();
        let output =
            self.run(&["--method", "tools/call", "--tool-name", tool, "--tool-args-json", &arguments, "--quiet"]);
        assert_eq!(output.code, Some(0), "{tool}: {}{}", output.stdout, output.stderr);
        let answer: Value = serde_json::from_str(&output.stdout).unwrap();
        let result = &answer["result"];
        if result["structuredContent"].is_object() {
            return result["structuredContent"].clone();
        }
        let lines = result["content"][0]["text"].as_str().unwrap().lines();
        lines.map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
    }

    fn submit(&self, pool: &str) -> String {
        let arguments = json!({ "targets": "10.0.0.0/28", "name": "inspector", "scanner_pool": pool });
        self.call("run_untrusted_scan", arguments)["task_id"].as_str().unwrap().to_owned()
    }

    /// Waits until the scan has ended, and returns its state.
    fn wait_for_end(&self, task_id: &str) -> String {
        for _ in 0..10 {
            let status = self.call("wait_for_scan", json!({ "task_id": task_id, "timeout_seconds": 5 }));
            if !matches!(status["status"].as_str(), Some("queued" | "running")) {
                return status["status"].as_str().unwrap().to_owned();
            }
        }
        panic!("the scan does not end");
    }
}

fn check_inspector(transport: Transport, era: &'static str) {
    let inspector = Inspector { target: Target::new(transport), era };

    let listed = inspector.run(&["--method", "tools/list", "--strict"]);
    assert_eq!(
        (listed.code, listed.stderr.as_str()),
        (Some(0), ""),
        "the strict mode of Inspector accepts all schemas"
    );
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let names: Vec<&str> =
        listed["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(["run_untrusted_scan", "wait_for_scan", "get_scan_results"].iter().all(|name| names.contains(name)));

    let id = inspector.submit("mock");
    assert_eq!(inspector.wait_for_end(&id), "completed");

    let everything = inspector.call("get_scan_results", json!({ "task_id": id, "page": 0, "schema_profile": "full" }));
    let on_443 = findings(&everything).into_iter().filter(|finding| finding["port"] == 443);
    let expected: Vec<[Value; 2]> = on_443.map(host_and_plugin).collect();
    assert!(expected.len() > 10, "the findings on port 443 fill two pages");
    for page in 1..=2 {
        let arguments = json!({ "task_id": id, "page": page, "page_size": 10, "schema_profile": "minimal",
            "filters": { "port": 443 } });
        let lines = inspector.call("get_scan_results", arguments);
        let on_page = findings(&lines);
        assert!(on_page.iter().all(|finding| finding.get("port").is_none()), "the profile minimal hides the port");
        let on_page: Vec<[Value; 2]> = on_page.into_iter().map(host_and_plugin).collect();
        assert_eq!(on_page, expected[10 * (page - 1)..expected.len().min(10 * page)], "page {page}");
    }

    let slow = inspector.submit("mock_slow");
    inspector.call("cancel_scan", json!({ "task_id": slow }));
    assert_eq!(inspector.wait_for_end(&slow), "cancelled");
}

fn findings(lines: &Value) -> Vec<&Value> {
    lines.as_array().unwrap().iter().filter(|line| line["type"] == "vulnerability").collect()
}

fn host_and_plugin(finding: &Value) -> [Value; 2] {
    ["host", "plugin_id"].map(|field| finding[field].clone())
}

#[test]
fn inspector_runs_a_scan_over_http() {
    check_inspector(Transport::Http, "modern");
}

#[test]
fn inspector_runs_a_scan_over_http_after_initialize() {
    check_inspector(Transport::Http, "legacy");
}

#[test]
fn inspector_runs_a_scan_over_stdio() {
    check_inspector(Transport::Stdio, "modern");
}

#[test]
fn inspector_runs_a_scan_over_stdio_after_initialize() {
    check_inspector(Transport::Stdio, "legacy");
}

async fn check_pytenable(credentials: [&str; 3]) {
    let report = workspace().join("tests/fixtures/several_hosts.nessus");
    let reports = Reports::Same(fs::read(&report).unwrap().into());
    let nessus = FakeNessus::start(Settings { reports, ..Settings::default() }).await;
    let mut command = python();
    command.arg(script("pytenable_scan.py")).arg(nessus.url()).arg(&report).args(credentials);
    let output = Output::run(command);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.starts_with("ok: scan "), "{}", output.stdout);
    assert!(nessus.scans().is_empty(), "the client deleted its scan");
}

#[tokio::test(flavor = "multi_thread")]
async fn pytenable_runs_a_scan_with_api_keys() {
    let ApiKeys { access, secret } = ApiKeys::default();
    check_pytenable(["--keys", &access, &secret]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pytenable_runs_a_scan_with_a_session() {
    let Login { username, password } = Login::default();
    check_pytenable(["--login", &username, &password]).await;
}

/// A mock scanner with more than one page of findings, even after the filters of the example programs.
const MANY_FINDINGS: &str =
    "mock: [{instance_id: mock1, options: {duration_seconds: 0.5, hosts: 14, findings_per_host: 40}}]";

/// Checks that an example program lists the findings to fix first, and compares the scan with the one before.
fn check_program(mut command: Command, transport: Transport) {
    let target = Target::with(MANY_FINDINGS, transport);
    command.arg("10.0.0.0/28").args(target.arguments());
    let output = Output::run(command);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    let lines: Vec<&str> = output.stdout.lines().collect();
    let (compared, first) = lines.split_last().unwrap();
    assert!(first.iter().all(|line| line.starts_with("fix first: ")), "{}", output.stdout);
    assert!(first.len() > 40, "more than one page: {}", output.stdout);
    let (changed, still_there) = ("0 new, 0 gone, ", " still_there, 0 severity_changed");
    assert!(compared.starts_with(changed) && compared.ends_with(still_there), "{compared}");
    assert!(!compared.contains(" 0 still_there"), "{compared}");
}

fn check_python_program(transport: Transport) {
    let mut command = python();
    command.arg(workspace().join("tests/clients/scan.py"));
    check_program(command, transport);
}

fn check_typescript_program(transport: Transport) {
    // Node.js looks for packages in the folder of the program.
    let folder = tempfile::tempdir().unwrap();
    fs::copy(workspace().join("tests/clients/scan.ts"), folder.path().join("scan.ts")).unwrap();
    std::os::unix::fs::symlink(node_modules(), folder.path().join("node_modules")).unwrap();
    let mut command = node();
    command.arg(folder.path().join("scan.ts"));
    check_program(command, transport);
}

#[test]
fn python_example_program_works_over_http() {
    check_python_program(Transport::Http);
}

#[test]
fn python_example_program_works_over_stdio() {
    check_python_program(Transport::Stdio);
}

#[test]
fn typescript_example_program_works_over_http() {
    check_typescript_program(Transport::Http);
}

#[test]
fn typescript_example_program_works_over_stdio() {
    check_typescript_program(Transport::Stdio);
}
