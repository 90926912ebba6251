//! A running server with a backend and a profile of the operator's own, whose files are then changed.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use scanhost_it::{
    guests::{STEADY, VIEWER},
    lab::SCAN_TIME,
    mcp::Mcp,
    output::Output,
    server::{Home, Server, replace},
};
use serde_json::{Value, json};

pub const SCANNERS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]\nsteady: [{instance_id: s1}]\n";
pub const SERVER: &str =
    "limits: {poll_seconds: 0.2}\nplugins: {steady: {file: steady.wasm}, viewer: {file: viewer.wasm}}\n";

/// How soon a change is in effect, and far more than that on a machine that does other things too.
const EFFECT: Duration = Duration::from_secs(60);

pub struct Plant {
    pub home: Home,
    pub server: Server,
    pub mcp: Mcp,
}

impl Plant {
    pub fn new() -> Self {
        let home = home();
        Self::on(home)
    }

    pub fn on(home: Home) -> Self {
        let server = home.start();
        let mcp = server.mcp();
        Self { home, server, mcp }
    }

    pub fn config(&self) -> PathBuf {
        self.home.config()
    }

    /// Changes files, all of them between two looks of the server even on a slow disk, and waits until it has looked at
    /// them. What it says about that.
    pub async fn reload(&self, change: impl FnOnce(&Path)) -> Value {
        let before = count(&self.server.ready().await);
        self.server.signal("STOP");
        change(&self.config());
        self.server.signal("CONT");
        self.ready_when(|ready| count(ready) > before).await["last_reload"].clone()
    }

    /// What `/ready` says as soon as the condition holds.
    pub async fn ready_when(&self, condition: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let ready = self.server.ready().await;
            if condition(&ready) {
                return ready;
            }
            assert!(start.elapsed() < EFFECT, "waited in vain: {ready}\n{}", self.server.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The versions that make and show findings now, as a scan from submit to results tells.
    pub async fn versions(&self) -> (String, u64) {
        let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "steady" });
        let id = self.mcp.ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned();
        let status = self.mcp.ended(&id, SCAN_TIME).await;
        assert_eq!(status["status"], "completed", "{status}");
        let made = self.record(json!({ "task_id": id, "custom_fields": ["plugin_name"] })).await;
        let shown = self.record(json!({ "task_id": id, "schema_profile": "viewer" })).await;
        (made["plugin_name"].as_str().unwrap().to_owned(), shown["viewer"].as_u64().unwrap())
    }

    async fn record(&self, arguments: Value) -> Value {
        let lines = self.mcp.results(arguments).await;
        lines.into_iter().find(|line| line["type"] == "vulnerability").unwrap()
    }

    /// `scanhost plugin …` on this server.
    pub fn plugin(&self, arguments: &[&str]) -> Output {
        let mut command = self.home.command(&[&["plugin"], arguments, &["--json", "--config"]].concat());
        command.arg(self.config());
        Output::of(command)
    }

    /// The rows of `plugin list`.
    pub fn listed(&self) -> Vec<Value> {
        let output = self.plugin(&["list"]);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        serde_json::from_str(&output.stdout).unwrap()
    }

    /// The generation of the plugin, as `/ready` tells it.
    pub async fn generation(&self, plugin: &str) -> u64 {
        let ready = self.server.ready().await;
        let mut plugins = ready["plugins"].as_array().unwrap().iter();
        plugins.find(|entry| entry["name"] == plugin).unwrap()["generation"].as_u64().unwrap()
    }
}

pub fn home() -> Home {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", SERVER)]);
    fs::write(home.config().join("steady.wasm"), STEADY).unwrap();
    fs::write(home.config().join("viewer.wasm"), VIEWER).unwrap();
    home
}

/// `scanhost.yaml` with its first line, which names the data folder.
pub fn rewrite(config: &Path, text: &str) {
    let file = config.join("scanhost.yaml");
    let first = fs::read_to_string(&file).unwrap().lines().next().unwrap().to_owned();
    replace(&file, format!("{first}\n{text}"));
}

fn count(ready: &Value) -> u64 {
    let count = &ready["last_reload"]["count"];
    count["ok"].as_u64().unwrap() + count["failed"].as_u64().unwrap()
}
