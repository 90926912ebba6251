//! The parts of MCP beside tool calls: prompts, resources, subscriptions, tasks, sessions, completion, and elicitation.

mod completion;
mod confirmation;
mod expected_output;
mod hints;
mod planted_text;
mod prompts;
mod resources;
mod sessions;
mod subscriptions;
mod tasks;
mod tool_list;
mod toolsets;
mod waiting;

use std::time::Duration;

use scanhost_it::{
    mcp::McpClient,
    scans::submit,
    server::{Home, Server},
};
use serde_json::{Value, json};

const SCANNERS: &str = "
mock: [{instance_id: m1, options: {duration_seconds: 0, hosts: 3, findings_per_host: 20}}]
brief: [{instance_id: b1, backend: mock, options: {duration_seconds: 10}}]
broken: [{instance_id: x1, backend: mock, options: {duration_seconds: 0, fail_at: status}}]
slow: [{instance_id: s1, backend: mock, max_concurrent_scans: 1, options: {duration_seconds: 3600}}]
";

fn home(settings: &str) -> Home {
    let settings = format!("limits: {{poll_seconds: 0.1}}\n{settings}");
    Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &settings)])
}

/// A server whose pool `mock` completes scans at once, and whose pool `slow` never does.
struct TestHost {
    mcp: McpClient,
    server: Server,
    home: Home,
}

impl TestHost {
    fn start() -> Self {
        Self::with_settings("")
    }

    fn with_settings(settings: &str) -> Self {
        let home = home(settings);
        let server = home.start();
        Self { mcp: server.mcp(), server, home }
    }

    /// Kills the server with SIGKILL, and starts a new one on the same folder.
    fn kill_and_restart(self) -> Self {
        let Self { server, home, .. } = self;
        server.kill();
        let server = home.start();
        Self { mcp: server.mcp(), server, home }
    }

    /// Runs a scan with sixty findings to its end, and returns its task id.
    async fn run_scan(&self) -> String {
        let id = submit(&self.mcp, json!({ "targets": "10.0.0.0/24" })).await;
        self.mcp.wait_for_end(&id, Duration::from_secs(30)).await;
        id
    }

    /// Submits a scan that never ends, and returns its task id.
    async fn submit_endless(&self) -> String {
        submit(&self.mcp, json!({ "scanner_pool": "slow" })).await
    }

    async fn call_method(&self, method: &str, params: Value) -> Value {
        self.mcp.call_method(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}
