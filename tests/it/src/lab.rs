//! A scanner and a host that drives it: a `fake-nessus` inside the test, and a scanhost process beside it.

use std::{fmt::Write as _, fs, time::Duration};

use fake_nessus::{ApiKeys, FakeNessus, Fault, Login, Record, Reports, ScanView, Settings};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    mcp::Mcp,
    program::workspace,
    server::{Home, Server},
};

/// For a scan of a scanner that needs no time, with room for retries and a busy machine.
pub const SCAN_TIME: Duration = Duration::from_secs(60);

/// Looks at a scan often enough for a test.
pub const POLL: &str = "limits: {poll_seconds: 0.2}\n";

pub struct Lab {
    pub scanner: FakeNessus,
    pub home: Home,
    pub server: Server,
    pub mcp: Mcp,
}

/// How the host logs in at the scanner.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    Keys,
    Session,
}

impl Lab {
    /// A host with the scanner's API keys.
    pub async fn new(settings: Settings) -> Self {
        Self::with(settings, Access::Keys, "").await
    }

    /// The same with another login and with more lines of `scanhost.yaml`.
    pub async fn with(settings: Settings, access: Access, more: &str) -> Self {
        let (scanner, home) = Self::prepared(settings, access, more).await;
        Self::on(scanner, home)
    }

    /// The same with a host that gives up sooner.
    pub async fn hasty(settings: Settings, access: Access, more: &str) -> Self {
        let (scanner, home) = Self::prepared(settings, access, more).await;
        // Not with the scanner, which a busy machine may keep from answering for seconds: twenty times less than this.
        let listed = fs::read_to_string(home.config().join("scanners.yaml")).expect("it was written");
        home.write("scanners.yaml", &listed.replace("max_concurrent", "limits: {answer_seconds: 200}, max_concurrent"));
        Self::on(scanner, home.hasty())
    }

    async fn prepared(settings: Settings, access: Access, more: &str) -> (FakeNessus, Home) {
        let auth = match access {
            Access::Keys => {
                let ApiKeys { access, secret } = settings.api_keys.clone().unwrap_or_default();
                format!("{{access_key: {access}, secret_key: {secret}}}")
            }
            Access::Session => {
                let Login { username, password } = settings.login.clone().unwrap_or_default();
                format!("{{username: {username}, password: {password}}}")
            }
        };
        let scanner = FakeNessus::start(settings).await;
        let home = Home::new(&[
            ("scanners.yaml", &scanners(&scanner.url(), &auth)),
            ("scanhost.yaml", &format!("{POLL}{more}")),
        ]);
        (scanner, home)
    }

    /// A host started on this folder.
    pub fn on(scanner: FakeNessus, home: Home) -> Self {
        let server = home.start();
        let mcp = server.mcp();
        Self { scanner, home, server, mcp }
    }

    /// SIGKILL, and a new process on the same folder. `between` happens while there is none.
    pub fn killed(self, between: impl FnOnce(&FakeNessus)) -> Self {
        let Self { scanner, home, server, .. } = self;
        server.kill();
        between(&scanner);
        Self::on(scanner, home)
    }

    /// Submits an untrusted scan.
    pub async fn submitted(&self) -> String {
        self.submitted_to("run_untrusted_scan", json!({})).await
    }

    /// Submits with these arguments beside the usual ones.
    pub async fn submitted_to(&self, tool: &str, more: Value) -> String {
        let mut arguments = json!({ "targets": "10.20.0.11, 10.20.0.12", "name": "quarterly audit" });
        let usual = arguments.as_object_mut().expect("an object");
        usual.extend(more.as_object().expect("an object of arguments").clone());
        let submitted = self.mcp.ok(tool, arguments).await;
        submitted["task_id"].as_str().expect("a submit answers a task id").to_owned()
    }

    /// The status of a scan at its end.
    pub async fn ended(&self, id: &str) -> Value {
        self.mcp.ended(id, SCAN_TIME).await
    }

    /// An untrusted scan from submit to its end, under these faults of the scanner and no others.
    pub async fn scanned(&self, faults: impl IntoIterator<Item = Fault>) -> Value {
        self.scanner.set_faults(faults);
        let id = self.submitted().await;
        self.ended(&id).await
    }

    /// What the scanner was asked about the scan of that status.
    pub fn record(&self, status: &Value) -> Record {
        self.scanner.records().of(task_id(status))
    }

    /// The scan of that status as the scanner has it.
    pub fn remote(&self, id: &str) -> Option<ScanView> {
        self.scanner.scans().into_iter().find(|scan| scan.marker == id)
    }

    /// The native report's bytes: at the path that the tool tells, with the size and digest that it tells.
    pub async fn native_report(&self, id: &str) -> Vec<u8> {
        let told = self.mcp.ok("download_native_scan", json!({ "task_id": id })).await;
        let bytes = fs::read(told["path"].as_str().expect("a path")).expect("the report is where the tool says");
        assert_eq!(told["size"], bytes.len());
        assert_eq!(told["sha256"], sha256(&bytes).as_str());
        bytes
    }
}

/// The task id in an answer.
pub fn task_id(answer: &Value) -> &str {
    answer["task_id"].as_str().expect("the answer names its task")
}

/// A scanner whose scans end at once with this report.
pub fn instant(report: Vec<u8>) -> Settings {
    Settings {
        reports: Reports::Same(report.into()),
        queue_duration: Duration::ZERO,
        scan_duration: Duration::ZERO,
        settle_duration: Duration::ZERO,
        export_duration: Duration::ZERO,
        ..Settings::default()
    }
}

/// A scanner whose scans go on until they are stopped.
pub fn endless() -> Settings {
    Settings { scan_duration: Duration::from_secs(3600), ..instant(lab_report()) }
}

/// A report of four hosts with ten findings each: CDATA, entities, control characters, compliance items, lists.
pub fn lab_report() -> Vec<u8> {
    fs::read(workspace().join("tests/fixtures/lab_four_hosts.nessus")).expect("the fixture can be read")
}

/// `scanners.yaml` with one pool `nessus` of one scanner.
pub fn scanners(url: &str, auth: &str) -> String {
    format!("nessus:\n  - {{instance_id: lab, url: \"{url}\", auth: {auth}, max_concurrent_scans: 2}}\n")
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes any text");
        text
    })
}

/// Looks again and again, for a bounded time, until the condition holds.
pub async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    const LOOK: Duration = Duration::from_millis(3);
    let wait = async {
        while !condition() {
            tokio::time::sleep(LOOK).await;
        }
    };
    assert!(tokio::time::timeout(SCAN_TIME, wait).await.is_ok(), "waited in vain for {what}");
}
