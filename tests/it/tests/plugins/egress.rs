//! What gets out of a plugin and what gets into it: no request but to its scanner, no secret, and no more than its
//! scanner's limits allow.

use std::fs;

use scanhost_it::{
    guests,
    lab::{SCAN_TIME, wait_until},
    mcp::Mcp,
    server::Home,
};
use serde_json::{Value, json};

use crate::wire::{Manner, Wire};

const PASSWORD: &str = "correct-horse-battery";

/// A server with this plugin, whose one scanner is on that wire.
fn home(name: &str, component: &[u8], [of_scanner, of_plugin]: [&str; 2], scanner: &Wire) -> Home {
    let pools = format!("{name}: [{{instance_id: s1, url: '{}', limits: {{{of_scanner}}}}}]\n", scanner.url());
    let home = Home::new(&[("scanners.yaml", &pools)]);
    fs::write(home.config().join("guest.wasm"), component).unwrap();
    let plugin = format!("{{file: guest.wasm, grants: [http], limits: {{{of_plugin}}}}}");
    home.write("scanhost.yaml", &format!("limits: {{poll_seconds: 0.2}}\nplugins: {{{name}: {plugin}}}\n"));
    home
}

async fn submit(mcp: &Mcp) -> String {
    let arguments =
        json!({ "targets": "10.0.0.1", "name": "a scan", "ssh_username": "audit", "ssh_password": PASSWORD });
    mcp.ok("run_trusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_plugin_that_sends_its_credential_around_never_sees_it() {
    let scanner = Wire::open(Manner::Echo).await;
    let home = home("nosy", guests::NOSY, ["", ""], &scanner);
    let server = home.start();
    let mcp = server.mcp();
    let status = mcp.ended(&submit(&mcp).await, SCAN_TIME).await;
    let requests = scanner.requests();
    let [echo] = &requests[..] else { panic!("28 others were denied: {requests:?}") };
    assert!(echo.starts_with("POST /echo"), "{echo}");
    let sent: Value = serde_json::from_str(echo.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(sent["password"], PASSWORD, "the scanner gets what was meant for it");
    let seen = status["error"]["message"].as_str().unwrap();
    let (denied, seen) = seen.split_once("; it saw ").unwrap();
    assert!(denied.ends_with("28 of 28 denied"), "{denied}");
    let (placeholder, answer) = seen.split_once(' ').unwrap();
    let answer: Value = serde_json::from_str(answer).unwrap();
    assert_eq!(answer["password"], "***", "what a scanner reflects is struck");
    assert_eq!((&answer["forged"], &sent["forged"]), (&sent["forged"], &json!(forged(placeholder))));
    assert!(!server.log().contains(PASSWORD) && !status.to_string().contains(PASSWORD));
}

/// The placeholder with another nonce, as text from outside might guess it.
fn forged(placeholder: &str) -> String {
    let mut parts: Vec<&str> = placeholder.split('-').collect();
    parts[2] = "00000000000000000000000000000000";
    parts.join("-")
}

#[tokio::test]
async fn a_call_has_so_many_requests_and_a_scanner_gets_so_many_a_minute() {
    let table = [
        (["", "cpu_ms: 100, wall_seconds: 30"], 64, "100 ms of CPU"),
        (["requests_per_minute: 2", "cpu_ms: 5000, wall_seconds: 5"], 2, "no answer within 5 s"),
    ];
    for (limits, most, says) in table {
        let scanner = Wire::open(Manner::Echo).await;
        let home = home("eager", guests::EAGER, limits, &scanner);
        let server = home.start();
        submit(&server.mcp()).await;
        wait_until("the fault", || server.log().contains(says)).await;
        assert_eq!(scanner.requests().len(), most, "{limits:?}");
    }
}
