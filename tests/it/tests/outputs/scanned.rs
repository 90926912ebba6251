//! A host with scans whose reports are files of this repository, and what the reference makes of them.

use std::{env, fs, path::PathBuf, time::Duration};

use fake_nessus::{ApiKeys, FakeNessus, Reports, Settings};
use scanhost_it::{
    installed::python,
    lab::{POLL, instant, scanners},
    mcp::Mcp,
    output::Output,
    program::{compiled_plugins, workspace},
    raw::submit,
    server::{Home, Server},
};
use serde_json::{Value, json};

/// Real reports may not be part of this repository: a folder of some can be named in the environment.
pub fn reports() -> PathBuf {
    env::var_os("SCANHOST_REPORTS").map_or_else(|| workspace().join("tests/fixtures"), PathBuf::from)
}

/// Three of them that can be read.
pub fn three() -> Vec<String> {
    if env::var_os("SCANHOST_REPORTS").is_some() {
        return ["pytenable_example.nessus", "nv_metasploitable2.nessus", "seccubus_compliance.nessus"]
            .map(str::to_owned)
            .into();
    }
    ["lab_four_hosts.nessus", "compliance.nessus", "several_hosts.nessus"].map(str::to_owned).into()
}

pub struct Scanned {
    pub home: Home,
    pub mcp: Mcp,
    server: Server,
    _scanner: FakeNessus,
}

impl Scanned {
    /// A scan whose name is a report's gets that report.
    pub async fn new() -> Self {
        Self::with(reports()).await
    }

    pub async fn with(folder: PathBuf) -> Self {
        let scanner = FakeNessus::start(Settings { reports: Reports::Folder(folder), ..instant(Vec::new()) }).await;
        let ApiKeys { access, secret } = ApiKeys::default();
        let keys = format!("{{access_key: {access}, secret_key: {secret}}}");
        let home = Home::new(&[("scanners.yaml", &scanners(&scanner.url(), &keys)), ("scanhost.yaml", POLL)]);
        let server = home.start();
        let mcp = server.mcp();
        Self { home, mcp, server, _scanner: scanner }
    }

    pub async fn scan(&self, report: &str) -> String {
        let id = submit(&self.mcp, json!({ "name": report })).await;
        let status = self.mcp.ended(&id, Duration::from_secs(60)).await;
        assert_eq!(status["status"], "completed", "{status}");
        id
    }

    /// A tool's structured content, which its output schema allows.
    pub async fn ask(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.mcp.ok(tool, arguments).await;
        let tools = self.mcp.tools().await;
        let row = tools.iter().find(|row| row["name"] == tool).expect("the tool is listed");
        scanhost_it::schema::check(&row["outputSchema"], &answer).unwrap_or_else(|wrong| panic!("{tool}: {wrong}"));
        answer
    }

    pub fn stop(self) -> Home {
        drop(self.server);
        self.home
    }
}

/// The command line on files, in the home's folder.
pub fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(arguments);
    command.env("XDG_CACHE_HOME", compiled_plugins());
    Output::of(command)
}

/// What a script of `tests/reference` says of reports.
pub fn reference(script: &str, files: &[PathBuf]) -> Output {
    let mut command = python();
    command.arg("-B").arg(workspace().join("tests/reference").join(script)).args(files);
    Output::of(command)
}

pub fn expected(files: &[&str]) -> Value {
    let files: Vec<PathBuf> = files.iter().map(|file| reports().join(file)).collect();
    let told = reference("summary.py", &files);
    serde_json::from_str(&told.stdout).unwrap_or_else(|_| panic!("{}", told.stderr))
}

pub fn write(home: &Home, name: &str, text: &str) -> String {
    let path = home.path().join(name);
    fs::write(&path, text).expect("a file can be written");
    path.display().to_string()
}
