//! Submitting scans, and the tools that list scans, queues and pools.

mod idempotency;
mod list_scans;
mod pools;
mod queue;
mod targets;
mod tools;
mod traces;

use scanhost_it::{
    mcp::McpClient,
    server::{Home, Server},
};

/// A server with these scanners and settings.
struct TestHost {
    mcp: McpClient,
    server: Server,
    home: Home,
}

impl TestHost {
    fn start(scanners: &str, settings: &str) -> Self {
        let settings = format!("limits: {{poll_seconds: 0.1}}\n{settings}");
        let home = Home::new(&[("scanners.yaml", scanners), ("scanhost.yaml", &settings)]);
        let server = home.start();
        Self { mcp: server.mcp(), server, home }
    }

    /// Starts a server whose scans complete at once.
    fn with_instant_scans() -> Self {
        Self::start("mock: [{instance_id: m1, options: {duration_seconds: 0}}]", "")
    }

    /// Starts a server that runs one scan at a time, none of which ends.
    fn with_endless_scans() -> Self {
        Self::start("mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 3600}}]", "")
    }
}
