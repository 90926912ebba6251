//! A testbed: a fake Nessus inside the test process, and a scanhost process that is configured to use it.

use std::{fmt::Write as _, fs, time::Duration};

use fake_nessus::{ApiKeys, FakeNessus, Fault, Login, Record, Reports, ScanView, Settings};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    mcp::McpClient,
    program::workspace,
    server::{Home, Server},
};

/// The longest time that a scan may take at a scanner with instant scans, including retries on a busy machine.
pub const SCAN_TIMEOUT: Duration = Duration::from_secs(60);

/// Lines of `scanhost.yaml` that make the host poll its scanners often enough for a test.
pub const FAST_POLLING: &str = "limits: {poll_seconds: 0.2}\n";

pub struct Testbed {
    pub scanner: FakeNessus,
    pub home: Home,
    pub server: Server,
    pub mcp: McpClient,
}

/// How the host authenticates to the scanner.
#[derive(Clone, Copy, Debug)]
pub enum ScannerLogin {
    ApiKeys,
    Session,
}

impl Testbed {
    /// Starts a scanner and a host that uses the scanner's API keys.
    pub async fn new(settings: Settings) -> Self {
        Self::with_login(settings, ScannerLogin::ApiKeys, "").await
    }

    /// Starts a scanner and a host that logs in in this way and has these additional lines in its `scanhost.yaml`.
    pub async fn with_login(settings: Settings, login: ScannerLogin, more: &str) -> Self {
        let (scanner, home) = Self::prepare(settings, login, more).await;
        Self::start_on(scanner, home)
    }

    /// Starts a scanner and a host whose timeouts are twenty times shorter than usual.
    pub async fn with_short_timeouts(settings: Settings, login: ScannerLogin, more: &str) -> Self {
        let (scanner, home) = Self::prepare(settings, login, more).await;
        // The timeout of requests to the scanner becomes 10 seconds, since a busy machine may delay an answer.
        let scanners_yaml = fs::read_to_string(home.config().join("scanners.yaml")).expect("it was written");
        home.write(
            "scanners.yaml",
            &scanners_yaml.replace("max_concurrent", "limits: {answer_seconds: 200}, max_concurrent"),
        );
        Self::start_on(scanner, home.with_short_timeouts())
    }

    /// Starts a scanner, and makes the home of a host that uses it and is not started yet.
    pub async fn prepare(settings: Settings, login: ScannerLogin, more: &str) -> (FakeNessus, Home) {
        let auth = match login {
            ScannerLogin::ApiKeys => {
                let ApiKeys { access, secret } = settings.api_keys.clone().unwrap_or_default();
                format!("{{access_key: {access}, secret_key: {secret}}}")
            }
            ScannerLogin::Session => {
                let Login { username, password } = settings.login.clone().unwrap_or_default();
                format!("{{username: {username}, password: {password}}}")
            }
        };
        let scanner = FakeNessus::start(settings).await;
        let home = Home::new(&[
            ("scanners.yaml", &nessus_scanners_yaml(&scanner.url(), &auth)),
            ("scanhost.yaml", &format!("{FAST_POLLING}{more}")),
        ]);
        (scanner, home)
    }

    /// Starts a host on this home folder, beside a scanner that is running already.
    pub fn start_on(scanner: FakeNessus, home: Home) -> Self {
        let server = home.start();
        let mcp = server.mcp();
        Self { scanner, home, server, mcp }
    }

    /// Kills the host with SIGKILL, calls `between` while no host is running, and starts a new host on the same folder.
    pub fn kill_and_restart(self, between: impl FnOnce(&FakeNessus)) -> Self {
        let Self { scanner, home, server, .. } = self;
        server.kill();
        between(&scanner);
        Self::start_on(scanner, home)
    }

    /// Submits an untrusted scan and returns its task id.
    pub async fn submit(&self) -> String {
        self.submit_with("run_untrusted_scan", json!({})).await
    }

    /// Calls this submit tool with the usual arguments and these additional ones, and returns the task id.
    pub async fn submit_with(&self, tool: &str, more: Value) -> String {
        let mut arguments = json!({ "targets": "10.20.0.11, 10.20.0.12", "name": "quarterly audit" });
        let all = arguments.as_object_mut().expect("an object");
        all.extend(more.as_object().expect("an object of arguments").clone());
        let submitted = self.mcp.call_ok(tool, arguments).await;
        submitted["task_id"].as_str().expect("the answer to a submit has a task id").to_owned()
    }

    /// Waits until the scan has ended, and returns its status.
    pub async fn wait_for_end(&self, id: &str) -> Value {
        self.mcp.wait_for_end(id, SCAN_TIMEOUT).await
    }

    /// Runs an untrusted scan to its end while the scanner has exactly these faults, and returns its status.
    pub async fn run_scan_with_faults(&self, faults: impl IntoIterator<Item = Fault>) -> Value {
        self.scanner.set_faults(faults);
        let id = self.submit().await;
        self.wait_for_end(&id).await
    }

    /// The requests that the scanner received for the scan with this status.
    pub fn record(&self, status: &Value) -> Record {
        self.scanner.records().record(task_id(status))
    }

    /// The remote scan of this task, if the scanner has one.
    pub fn remote_scan(&self, id: &str) -> Option<ScanView> {
        self.scanner.scans().into_iter().find(|scan| scan.marker == id)
    }

    /// Reads the native report from the path that the tool returns, and checks the size and SHA-256 that it returns.
    pub async fn native_report(&self, id: &str) -> Vec<u8> {
        let download = self.mcp.call_ok("download_native_scan", json!({ "task_id": id })).await;
        let bytes = fs::read(download["path"].as_str().expect("a path")).expect("the report is where the tool says");
        assert_eq!(download["size"], bytes.len());
        assert_eq!(download["sha256"], sha256_hex(&bytes).as_str());
        bytes
    }
}

/// Returns the task id in the answer of a tool.
pub fn task_id(answer: &Value) -> &str {
    answer["task_id"].as_str().expect("the answer names its task")
}

/// Settings of a scanner whose scans complete at once with this report.
pub fn instant_scans(report: Vec<u8>) -> Settings {
    Settings {
        reports: Reports::Same(report.into()),
        queue_duration: Duration::ZERO,
        scan_duration: Duration::ZERO,
        settle_duration: Duration::ZERO,
        export_duration: Duration::ZERO,
        ..Settings::default()
    }
}

/// Settings of a scanner whose scans run until they are stopped.
pub fn endless_scans() -> Settings {
    Settings { scan_duration: Duration::from_secs(3600), ..instant_scans(four_host_report()) }
}

/// A report of four hosts with ten findings each, with CDATA, entities, control characters, compliance items and lists.
pub fn four_host_report() -> Vec<u8> {
    fs::read(workspace().join("tests/fixtures/lab_four_hosts.nessus")).expect("the fixture can be read")
}

/// The text of a `scanners.yaml` with one pool `nessus` that has one scanner.
pub fn nessus_scanners_yaml(url: &str, auth: &str) -> String {
    format!("nessus:\n  - {{instance_id: lab, url: \"{url}\", auth: {auth}, max_concurrent_scans: 2}}\n")
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes any text");
        text
    })
}

/// Checks the condition repeatedly until it holds, and panics when it does not hold within [`SCAN_TIMEOUT`].
pub async fn wait_until(description: &str, condition: impl Fn() -> bool) {
    const INTERVAL: Duration = Duration::from_millis(3);
    let wait = async {
        while !condition() {
            tokio::time::sleep(INTERVAL).await;
        }
    };
    assert!(tokio::time::timeout(SCAN_TIMEOUT, wait).await.is_ok(), "timed out while waiting for {description}");
}
