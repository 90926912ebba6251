//! The page for people, over HTTP and in a browser.

mod actions;
mod browser;
mod events;
mod every_page;
mod findings;
mod hostile_report;
mod login;

use scanhost_it::{
    mcp::McpClient,
    server::{Home, Server},
};
use serde_json::{Value, json};

/// A pool whose scans end at once, and a pool whose scans run for long.
const SCANNERS: &str = "
mock: [{instance_id: m1, options: {duration_seconds: 0, hosts: 3, findings_per_host: 20}}]
slow: [{instance_id: s1, backend: mock, options: {duration_seconds: 600}}]
";

const TOKENS: &str = "
limits: {poll_seconds: 0.2}
tokens:
- {name: reader, scopes: [scan:read], token: token-of-reader}
- {name: submitter, scopes: [scan:submit], token: token-of-submitter}
- {name: editor, scopes: [scan:read, scan:submit], token: token-of-editor}
- {name: operator, scopes: [scan:read, scan:submit, scan:admin], token: token-of-operator}
";

const OPERATOR: &str = "token-of-operator";

/// Starts a server that requires a token.
fn start_with_tokens() -> (Home, Server) {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", TOKENS)]);
    let server = home.start();
    (home, server)
}

/// Starts a server that requires no token.
fn start_without_tokens() -> (Home, Server) {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", "limits: {poll_seconds: 0.2}\n")]);
    let server = home.start();
    (home, server)
}

/// Submits a scan to this pool, and returns its task id.
async fn submit(mcp: &McpClient, pool: &str) -> String {
    scanhost_it::scans::submit(mcp, json!({ "scanner_pool": pool, "name": "seen by people", "targets": "10.0.0.1-3" }))
        .await
}

/// Runs a scan to its end, and returns its task id.
async fn run_scan(mcp: &McpClient) -> String {
    let id = submit(mcp, "mock").await;
    let status: Value = mcp.wait_for_end(&id, std::time::Duration::from_secs(60)).await;
    assert_eq!(status["status"], "completed", "{status}");
    id
}
