//! A host whose scans have report files of this repository as their results, and the reference that reads these files.

use std::{env, fs, path::PathBuf, time::Duration};

use fake_nessus::{ApiKeys, FakeNessus, Reports, Settings};
use scanhost_it::{
    mcp::McpClient,
    output::Output,
    program::{compiled_plugins, workspace},
    scans::submit,
    server::{Home, Server},
    testbed::{FAST_POLLING, instant_scans, nessus_scanners_yaml},
    third_party::python,
};
use serde_json::{Value, json};

/// The folder of reports. `SCANHOST_REPORTS` can name another one with real reports, which cannot be part of this
/// repository.
pub fn reports_folder() -> PathBuf {
    env::var_os("SCANHOST_REPORTS").map_or_else(|| workspace().join("tests/fixtures"), PathBuf::from)
}

/// The file names of three reports that can be parsed.
pub fn three_reports() -> Vec<String> {
    if env::var_os("SCANHOST_REPORTS").is_some() {
        return ["pytenable_example.nessus", "nv_metasploitable2.nessus", "seccubus_compliance.nessus"]
            .map(str::to_owned)
            .into();
    }
    ["lab_four_hosts.nessus", "compliance.nessus", "several_hosts.nessus"].map(str::to_owned).into()
}

pub struct ReferenceHost {
    pub home: Home,
    pub mcp: McpClient,
    server: Server,
    _scanner: FakeNessus,
}

impl ReferenceHost {
    /// Starts a host whose scanner returns the report of the folder that has the name of the scan.
    pub async fn start() -> Self {
        Self::with_reports(reports_folder()).await
    }

    pub async fn with_reports(folder: PathBuf) -> Self {
        let scanner =
            FakeNessus::start(Settings { reports: Reports::Folder(folder), ..instant_scans(Vec::new()) }).await;
        let ApiKeys { access, secret } = ApiKeys::default();
        let keys = format!("{{access_key: {access}, secret_key: {secret}}}");
        let home = Home::new(&[
            ("scanners.yaml", &nessus_scanners_yaml(&scanner.url(), &keys)),
            ("scanhost.yaml", FAST_POLLING),
        ]);
        let server = home.start();
        let mcp = server.mcp();
        Self { home, mcp, server, _scanner: scanner }
    }

    /// Runs a scan to its end that gets this report, and returns its task id.
    pub async fn run_scan(&self, report: &str) -> String {
        let id = submit(&self.mcp, json!({ "name": report })).await;
        let status = self.mcp.wait_for_end(&id, Duration::from_secs(60)).await;
        assert_eq!(status["status"], "completed", "{status}");
        id
    }

    /// Calls a tool, and validates its structured content against its output schema.
    pub async fn call_validated(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.mcp.call_ok(tool, arguments).await;
        let tools = self.mcp.list_tools().await;
        let row = tools.iter().find(|row| row["name"] == tool).expect("the tool is listed");
        scanhost_it::schema::validate(&row["outputSchema"], &answer).unwrap_or_else(|wrong| panic!("{tool}: {wrong}"));
        answer
    }

    pub fn stop(self) -> Home {
        drop(self.server);
        self.home
    }
}

/// Runs a command in the folder of the home.
pub fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(arguments);
    command.env("XDG_CACHE_HOME", compiled_plugins());
    Output::run(command)
}

/// Runs a script of `tests/reference` on these files.
pub fn run_reference(script: &str, files: &[PathBuf]) -> Output {
    let mut command = python();
    command.arg("-B").arg(workspace().join("tests/reference").join(script)).args(files);
    Output::run(command)
}

/// The summary of one report, or the comparison of two, by the reference.
pub fn reference_summary(files: &[&str]) -> Value {
    let files: Vec<PathBuf> = files.iter().map(|file| reports_folder().join(file)).collect();
    let output = run_reference("summary.py", &files);
    serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{}", output.stderr))
}

pub fn write_file(home: &Home, name: &str, text: &str) -> String {
    let path = home.path().join(name);
    fs::write(&path, text).expect("a file can be written");
    path.display().to_string()
}
