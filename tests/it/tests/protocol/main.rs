//! What MCP has beside calls of tools, as clients use it.

mod completion;
mod confirmation;
mod hints;
mod prompts;
mod resources;
mod sessions;
mod snapshots;
mod subscriptions;
mod tasks;
mod tool_list;
mod toolsets;
mod untrusted;
mod waiting;

use std::time::Duration;

use scanhost_it::{
    mcp::Mcp,
    raw::submit,
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

/// A server whose pool `mock` is done at once, and whose pool `slow` never is.
struct Desk {
    mcp: Mcp,
    server: Server,
    home: Home,
}

impl Desk {
    fn new() -> Self {
        Self::with("")
    }

    fn with(settings: &str) -> Self {
        let home = home(settings);
        let server = home.start();
        Self { mcp: server.mcp(), server, home }
    }

    /// SIGKILL, and a new process on the same folder.
    fn killed(self) -> Self {
        let Self { server, home, .. } = self;
        server.kill();
        let server = home.start();
        Self { mcp: server.mcp(), server, home }
    }

    /// The id of a scan that has ended, with sixty findings.
    async fn scanned(&self) -> String {
        let id = submit(&self.mcp, json!({ "targets": "10.0.0.0/24" })).await;
        self.mcp.ended(&id, Duration::from_secs(30)).await;
        id
    }

    /// The id of a scan that never ends.
    async fn endless(&self) -> String {
        submit(&self.mcp, json!({ "scanner_pool": "slow" })).await
    }

    async fn method(&self, method: &str, params: Value) -> Value {
        self.mcp.method(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}
