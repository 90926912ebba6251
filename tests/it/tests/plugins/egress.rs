//! Requests of plugins: they reach no other host than the scanner, stay within its limits, and reveal no secret to the
//! plugin.

use std::fs;

use scanhost_it::{
    guests,
    mcp::McpClient,
    server::Home,
    testbed::{SCAN_TIMEOUT, wait_until},
};
use serde_json::{Value, json};

use crate::fake_scanner::{Behavior, FakeScanner};

const PASSWORD: &str = "correct-horse-battery";

/// Makes a home with this plugin and this scanner, and the limits of each.
fn home(name: &str, component: &[u8], [scanner_limits, plugin_limits]: [&str; 2], scanner: &FakeScanner) -> Home {
    let pools = format!("{name}: [{{instance_id: s1, url: '{}', limits: {{{scanner_limits}}}}}]\n", scanner.url());
    let home = Home::new(&[("scanners.yaml", &pools)]);
    fs::write(home.config().join("guest.wasm"), component).unwrap();
    let plugin = format!("{{file: guest.wasm, grants: [http], limits: {{{plugin_limits}}}}}");
    home.write("scanhost.yaml", &format!("limits: {{poll_seconds: 0.2}}\nplugins: {{{name}: {plugin}}}\n"));
    home
}

async fn submit(mcp: &McpClient) -> String {
    let arguments =
        json!({ "targets": "10.0.0.1", "name": "a scan", "ssh_username": "audit", "ssh_password": PASSWORD });
    mcp.call_ok("run_trusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn plugin_never_sees_its_credential() {
    let scanner = FakeScanner::start(Behavior::Echo).await;
    let home = home("nosy", guests::NOSY, ["", ""], &scanner);
    let server = home.start();
    let mcp = server.mcp();
    let status = mcp.wait_for_end(&submit(&mcp).await, SCAN_TIMEOUT).await;
    let requests = scanner.requests();
    let [echo] = &requests[..] else { panic!("the scanner got more than the one permitted request: {requests:?}") };
    assert!(echo.starts_with("POST /echo"), "{echo}");
    let sent: Value = serde_json::from_str(echo.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(sent["password"], PASSWORD, "the scanner gets the password");
    let message = status["error"]["message"].as_str().unwrap();
    let (denied, seen) = message.split_once("; it saw ").unwrap();
    assert!(denied.ends_with("28 of 28 denied"), "{denied}");
    let (placeholder, answer) = seen.split_once(' ').unwrap();
    let answer: Value = serde_json::from_str(answer).unwrap();
    assert_eq!(answer["password"], "***", "a reflected secret is masked");
    assert_eq!((&answer["forged"], &sent["forged"]), (&sent["forged"], &json!(forged(placeholder))));
    assert!(!server.log().contains(PASSWORD) && !status.to_string().contains(PASSWORD));
}

/// The placeholder with a guessed nonce.
fn forged(placeholder: &str) -> String {
    let mut parts: Vec<&str> = placeholder.split('-').collect();
    parts[2] = "00000000000000000000000000000000";
    parts.join("-")
}

#[tokio::test]
async fn requests_are_limited_per_call_and_per_minute() {
    let table = [
        (["", "cpu_ms: 100, wall_seconds: 30"], 64, "100 ms of CPU"),
        (["requests_per_minute: 2", "cpu_ms: 5000, wall_seconds: 5"], 2, "no answer within 5 s"),
    ];
    for (limits, max_requests, expected) in table {
        let scanner = FakeScanner::start(Behavior::Echo).await;
        let home = home("eager", guests::EAGER, limits, &scanner);
        let server = home.start();
        submit(&server.mcp()).await;
        wait_until("the fault", || server.log().contains(expected)).await;
        assert_eq!(scanner.requests().len(), max_requests, "{limits:?}");
    }
}
