//! Submitting scans, and what lists, queues and pools tell of them.

mod idempotency;
mod lists;
mod pools;
mod queue;
mod targets;
mod tools;
mod traces;

use scanhost_it::{
    mcp::Mcp,
    server::{Home, Server},
};

/// A server with these scanners and settings.
struct Desk {
    mcp: Mcp,
    server: Server,
    home: Home,
}

impl Desk {
    fn new(scanners: &str, settings: &str) -> Self {
        let settings = format!("limits: {{poll_seconds: 0.1}}\n{settings}");
        let home = Home::new(&[("scanners.yaml", scanners), ("scanhost.yaml", &settings)]);
        let server = home.start();
        Self { mcp: server.mcp(), server, home }
    }

    /// Scans that are done at once.
    fn fast() -> Self {
        Self::new("mock: [{instance_id: m1, options: {duration_seconds: 0}}]", "")
    }

    /// One scan that never ends, and all others wait.
    fn busy() -> Self {
        Self::new("mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 3600}}]", "")
    }
}
