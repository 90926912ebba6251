//! A host as an operator runs it, and a scanner whose scans end at once with the reports of this run.

use std::time::{Duration, Instant};

use fake_nessus::{ApiKeys, FakeNessus, Reports as Found, Settings};
use scanhost_it::{
    lab::instant,
    output::Output,
    raw::submit,
    server::{Home, Server},
};
use serde_json::json;

use crate::{
    Bench,
    reports::ReportFile,
    wire::{Call, address},
};

/// For a scan of the largest report on a slow machine.
const SCAN_TIME: Duration = Duration::from_secs(900);

/// What a scan of the pool `mock` takes.
const MOCK_SCAN: Duration = Duration::from_secs(5);

/// Lets a pool fill.
const SETTINGS: &str = "default_pool: nessus\npools: {mock: {max_depth: 10000000}}\n";

pub struct Hosted {
    pub home: Home,
    pub server: Server,
    pub scanner: FakeNessus,
}

impl Hosted {
    pub async fn start(bench: &Bench) -> Self {
        let reports = Found::Folder(bench.reports.folder().to_owned());
        let scanner = FakeNessus::start(Settings { reports, ..instant(Vec::new()) }).await;
        let ApiKeys { access, secret } = ApiKeys::default();
        let scanners = format!(
            "nessus: [{{instance_id: lab, url: \"{}\", auth: {{access_key: {access}, secret_key: {secret}}}}}]\n\
             mock: [{{instance_id: m1, max_concurrent_scans: 2, options: {{duration_seconds: {}}}}}]\n",
            scanner.url(),
            bench.period(MOCK_SCAN).as_secs_f64()
        );
        let home = Home::new(&[("scanners.yaml", &scanners), ("scanhost.yaml", SETTINGS)]);
        let server = serve(&home);
        Self { home, server, scanner }
    }

    /// The same folder, and another process. Returns how long it took until that listened.
    pub fn restart(&mut self) -> Duration {
        self.server.signal("KILL");
        while !self.server.has_ended() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let start = Instant::now();
        self.server = serve(&self.home);
        start.elapsed()
    }

    pub fn address(&self) -> &str {
        address(&self.server)
    }

    pub fn call(&self, tool: &str, arguments: &serde_json::Value) -> Call {
        Call::new(&self.server, tool, arguments)
    }

    /// A submit to the pool `mock`.
    pub fn submit(&self) -> Call {
        self.call("run_untrusted_scan", &json!({ "targets": "10.0.0.1", "name": "bench", "scanner_pool": "mock" }))
    }

    /// Nothing in the pool `mock` is begun any more.
    pub fn pause(&self) {
        let mut pause = self.home.command(&["queue", "pause", "mock"]);
        pause.arg("--config").arg(self.home.config());
        let paused = Output::of(pause);
        assert_eq!(paused.code, Some(0), "{}", paused.stderr);
    }

    /// Begins a scan that will find this report.
    pub async fn begin(&self, report: &ReportFile) -> String {
        submit(&self.server.mcp(), json!({ "name": report.name })).await
    }

    /// Waits until the scan has its findings.
    pub async fn finish(&self, id: &str) {
        let status = self.server.mcp().ended(id, SCAN_TIME).await;
        assert_eq!(status["status"], "completed", "{status}");
    }

    /// The id of a completed scan with this report.
    pub async fn scanned(&self, report: &ReportFile) -> String {
        let id = self.begin(report).await;
        self.finish(&id).await;
        id
    }
}

/// With the log that it has where nobody says otherwise.
fn serve(home: &Home) -> Server {
    let mut command = home.serving();
    command.env_remove("SCANHOST_LOG");
    Server::start(command)
}
