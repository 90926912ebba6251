//! A server with pools whose scans complete, run for long, or fail, and one whose scanner is disabled.

use scanhost_it::{
    mcp::McpClient,
    server::{Home, Server},
};
use serde_json::Value;

const SCANNERS: &str = "
mock: [{instance_id: m1, options: {duration_seconds: 0}}]
slow: [{instance_id: s1, backend: mock, max_concurrent_scans: 1, options: {duration_seconds: 3600}}]
broken: [{instance_id: b1, backend: mock, options: {duration_seconds: 0, fail_at: status}}]
off: [{instance_id: o1, backend: mock, enabled: false}]
";

const SERVER: &str = "
limits: {poll_seconds: 0.1}
pools:
  slow: {max_depth: 1, denied_targets: [127.0.0.0/8]}
  mock: {allowed_targets: [10.0.0.0/8], denied_targets: [10.9.0.0/16], max_addresses: 300}
";

pub struct TestHost {
    pub mcp: McpClient,
    _server: Server,
    _home: Home,
}

impl TestHost {
    pub fn start() -> Self {
        let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", SERVER)]);
        let server = home.start();
        Self { mcp: server.mcp(), _server: server, _home: home }
    }

    /// Checks that the call is refused with this code, and that message and hint contain these texts and are not empty.
    pub async fn check_refused(&self, tool: &str, arguments: Value, code: &str, in_message: &str, in_hint: &str) {
        let (found, message, hint) = self.mcp.call_refused(tool, arguments.clone()).await;
        assert_eq!(found, code, "{tool} {arguments}: {message}");
        assert!(!message.is_empty() && message.contains(in_message), "{tool} {arguments}: {message}");
        assert!(!hint.is_empty() && hint.contains(in_hint), "{tool} {arguments}: {message}: {hint}");
    }
}
