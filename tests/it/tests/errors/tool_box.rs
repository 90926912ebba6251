//! One server whose pools fail, wait and refuse as the tests need.

use scanhost_it::{
    mcp::Mcp,
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

pub struct ToolBox {
    pub mcp: Mcp,
    _server: Server,
    _home: Home,
}

impl ToolBox {
    pub fn new() -> Self {
        let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", SERVER)]);
        let server = home.start();
        Self { mcp: server.mcp(), _server: server, _home: home }
    }

    /// The call is refused with this code; message and hint say something, and contain these texts.
    pub async fn check(&self, tool: &str, arguments: Value, code: &str, in_message: &str, in_hint: &str) {
        let (found, message, hint) = self.mcp.refused(tool, arguments.clone()).await;
        assert_eq!(found, code, "{tool} {arguments}: {message}");
        assert!(!message.is_empty() && message.contains(in_message), "{tool} {arguments}: {message}");
        assert!(!hint.is_empty() && hint.contains(in_hint), "{tool} {arguments}: {message}: {hint}");
    }
}
