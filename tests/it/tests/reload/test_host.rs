//! A running server with a third-party backend and profile, whose configuration the tests change.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use scanhost_it::{
    guests::{STEADY, VIEWER},
    mcp::McpClient,
    output::Output,
    server::{Home, Server, replace_file},
    testbed::SCAN_TIMEOUT,
};
use serde_json::{Value, json};

pub const SCANNERS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]\nsteady: [{instance_id: s1}]\n";
pub const SERVER: &str =
    "limits: {poll_seconds: 0.2}\nplugins: {steady: {file: steady.wasm}, viewer: {file: viewer.wasm}}\n";

/// The longest time until a change is in effect, on a busy machine.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(60);

pub struct TestHost {
    pub home: Home,
    pub server: Server,
    pub mcp: McpClient,
}

impl TestHost {
    pub fn start() -> Self {
        let home = home();
        Self::start_on(home)
    }

    pub fn start_on(home: Home) -> Self {
        let server = home.start();
        let mcp = server.mcp();
        Self { home, server, mcp }
    }

    pub fn config(&self) -> PathBuf {
        self.home.config()
    }

    /// Changes files, waits until the server has reloaded, and returns `last_reload` of `/ready`. The server is stopped
    /// meanwhile, so that it sees all changes at once even on a slow disk.
    pub async fn reload(&self, change: impl FnOnce(&Path)) -> Value {
        let before = count_reloads(&self.server.ready().await);
        self.server.send_signal("STOP");
        change(&self.config());
        self.server.send_signal("CONT");
        self.wait_for_ready(|ready| count_reloads(ready) > before).await["last_reload"].clone()
    }

    /// Waits until the answer of `/ready` satisfies the condition, and returns it.
    pub async fn wait_for_ready(&self, condition: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let ready = self.server.ready().await;
            if condition(&ready) {
                return ready;
            }
            assert!(
                start.elapsed() < RELOAD_TIMEOUT,
                "the condition did not hold in time: {ready}\n{}",
                self.server.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Runs a scan, and returns the version of the backend in its finding, and the version of the profile in its row.
    pub async fn versions_in_use(&self) -> (String, u64) {
        let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": "steady" });
        let id = self.mcp.call_ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned();
        let status = self.mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
        assert_eq!(status["status"], "completed", "{status}");
        let finding = self.record(json!({ "task_id": id, "custom_fields": ["plugin_name"] })).await;
        let row = self.record(json!({ "task_id": id, "schema_profile": "viewer" })).await;
        (finding["plugin_name"].as_str().unwrap().to_owned(), row["viewer"].as_u64().unwrap())
    }

    async fn record(&self, arguments: Value) -> Value {
        let lines = self.mcp.results(arguments).await;
        lines.into_iter().find(|line| line["type"] == "vulnerability").unwrap()
    }

    /// Runs `scanhost plugin …` on this server.
    pub fn run_plugin_command(&self, arguments: &[&str]) -> Output {
        let mut command = self.home.command(&[&["plugin"], arguments, &["--json", "--config"]].concat());
        command.arg(self.config());
        Output::run(command)
    }

    /// The rows of `plugin list`.
    pub fn plugin_list(&self) -> Vec<Value> {
        let output = self.run_plugin_command(&["list"]);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        serde_json::from_str(&output.stdout).unwrap()
    }

    /// The generation of the plugin in `/ready`.
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

/// Writes `scanhost.yaml`, and keeps its first line, which names the data folder.
pub fn write_server_yaml(config: &Path, text: &str) {
    let file = config.join("scanhost.yaml");
    let first = fs::read_to_string(&file).unwrap().lines().next().unwrap().to_owned();
    replace_file(&file, format!("{first}\n{text}"));
}

fn count_reloads(ready: &Value) -> u64 {
    let count = &ready["last_reload"]["count"];
    count["ok"].as_u64().unwrap() + count["failed"].as_u64().unwrap()
}
