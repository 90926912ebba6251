//! A host as an operator runs it, with a fake scanner whose scans end at once with the reports of this run.

use std::time::{Duration, Instant};

use fake_nessus::{ApiKeys, FakeNessus, Reports as ScannerReports, Settings};
use scanhost_it::{
    output::Output,
    scans::submit,
    server::{Home, Server},
    testbed::instant_scans,
};
use serde_json::json;

use crate::{
    Bench,
    connection::{Call, address},
    reports::ReportFile,
};

/// How long a scan may take; enough for the largest report on a slow machine.
const SCAN_TIMEOUT: Duration = Duration::from_secs(900);

/// Duration of a scan in the pool `mock`.
const MOCK_SCAN_DURATION: Duration = Duration::from_secs(5);

/// Settings of the host. The pool `mock` accepts every scan of a benchmark.
const HOST_SETTINGS: &str = "default_pool: nessus\npools: {mock: {max_depth: 10000000}}\n";

pub struct BenchHost {
    pub home: Home,
    pub server: Server,
    pub scanner: FakeNessus,
}

impl BenchHost {
    pub async fn start(bench: &Bench) -> Self {
        let reports = ScannerReports::Folder(bench.reports.folder().to_owned());
        let scanner = FakeNessus::start(Settings { reports, ..instant_scans(Vec::new()) }).await;
        let ApiKeys { access, secret } = ApiKeys::default();
        let scanners = format!(
            "nessus: [{{instance_id: lab, url: \"{}\", auth: {{access_key: {access}, secret_key: {secret}}}}}]\n\
             mock: [{{instance_id: m1, max_concurrent_scans: 2, options: {{duration_seconds: {}}}}}]\n",
            scanner.url(),
            bench.period(MOCK_SCAN_DURATION).as_secs_f64()
        );
        let home = Home::new(&[("scanners.yaml", &scanners), ("scanhost.yaml", HOST_SETTINGS)]);
        let server = start_server(&home);
        Self { home, server, scanner }
    }

    /// Kills the server and starts it again with the same data. Returns the time from its start until it listened.
    pub fn restart(&mut self) -> Duration {
        self.server.send_signal("KILL");
        while !self.server.has_exited() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let start = Instant::now();
        self.server = start_server(&self.home);
        start.elapsed()
    }

    pub fn address(&self) -> &str {
        address(&self.server)
    }

    pub fn call(&self, tool: &str, arguments: &serde_json::Value) -> Call {
        Call::new(&self.server, tool, arguments)
    }

    /// A call that submits a scan to the pool `mock`.
    pub fn submit_call(&self) -> Call {
        self.call("run_untrusted_scan", &json!({ "targets": "10.0.0.1", "name": "bench", "scanner_pool": "mock" }))
    }

    /// Pauses the pool `mock`: it accepts scans and starts none.
    pub fn pause_mock_pool(&self) {
        let mut command = self.home.command(&["queue", "pause", "mock"]);
        command.arg("--config").arg(self.home.config());
        let output = Output::run(command);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
    }

    /// Submits a scan that will end with this report.
    pub async fn submit_scan(&self, report: &ReportFile) -> String {
        submit(&self.server.mcp(), json!({ "name": report.name })).await
    }

    /// Waits until the scan is completed.
    pub async fn wait_until_completed(&self, id: &str) {
        let status = self.server.mcp().wait_for_end(id, SCAN_TIMEOUT).await;
        assert_eq!(status["status"], "completed", "{status}");
    }

    /// Runs a scan that ends with this report, and returns its id.
    pub async fn run_scan(&self, report: &ReportFile) -> String {
        let id = self.submit_scan(report).await;
        self.wait_until_completed(&id).await;
        id
    }
}

/// Starts the server with its default log level, since writing the log is part of what is measured.
fn start_server(home: &Home) -> Server {
    let mut command = home.serve_command();
    command.env_remove("SCANHOST_LOG");
    Server::start(command)
}
