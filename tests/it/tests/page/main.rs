//! The page for people, over HTTP and in a browser.

mod actions;
mod attack;
mod browser;
mod events;
mod findings;
mod frame;
mod login;

use scanhost_it::{
    mcp::Mcp,
    server::{Home, Server},
};
use serde_json::{Value, json};

/// Scans that end at once, and scans that do not end.
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

/// A server that asks for tokens.
fn guarded() -> (Home, Server) {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", TOKENS)]);
    let server = home.start();
    (home, server)
}

/// A server that does not.
fn open() -> (Home, Server) {
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", "limits: {poll_seconds: 0.2}\n")]);
    let server = home.start();
    (home, server)
}

/// The id of a scan of this pool.
async fn submitted(mcp: &Mcp, pool: &str) -> String {
    scanhost_it::raw::submit(mcp, json!({ "scanner_pool": pool, "name": "seen by people", "targets": "10.0.0.1-3" }))
        .await
}

/// The id of a scan that has completed.
async fn completed(mcp: &Mcp) -> String {
    let id = submitted(mcp, "mock").await;
    let status: Value = mcp.ended(&id, std::time::Duration::from_secs(60)).await;
    assert_eq!(status["status"], "completed", "{status}");
    id
}
