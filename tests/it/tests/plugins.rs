//! Plugins of an operator's own inside the whole host: a bad one fails its own scans and nobody else's.

use std::fs;

use scanhost_it::{guests, lab::SCAN_TIME, output::Output, server::Home};
use serde_json::json;

/// A home with this component as a plugin of that name, a pool on it, and a mock pool beside it.
fn home(name: &str, component: &[u8], grants: &str) -> Home {
    let home = Home::new(&[(
        "scanners.yaml",
        &format!("mock: [{{instance_id: m1, options: {{duration_seconds: 0}}}}]\n{name}: [{{instance_id: g1}}]\n"),
    )]);
    fs::write(home.config().join("guest.wasm"), component).expect("a file can be written");
    home.write(
        "scanhost.yaml",
        &format!("limits: {{poll_seconds: 0.2}}\nplugins: {{{name}: {{file: guest.wasm{grants}, limits: {{cpu_ms: 300}}}}}}\n"),
    );
    home
}

async fn check_fault(name: &str, component: &[u8], grants: &str, reason: &str) {
    let home = home(name, component, grants);
    let server = home.start();
    let mcp = server.mcp();
    let submit = async |pool: &str| {
        let arguments = json!({ "targets": "10.0.0.1", "name": "a scan", "scanner_pool": pool });
        mcp.ok("run_untrusted_scan", arguments).await["task_id"].as_str().expect("a task id").to_owned()
    };
    let (bad, good) = (submit(name).await, submit("mock").await);
    let failed = mcp.ended(&bad, SCAN_TIME).await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("plugin")), "{failed}");
    let message = failed["error"]["message"].as_str().expect("a message");
    assert!(message.contains(reason), "{message}");
    assert_eq!(mcp.ended(&good, SCAN_TIME).await["status"], "completed", "others are served");
    let after = submit("mock").await;
    assert_eq!(mcp.ended(&after, SCAN_TIME).await["status"], "completed", "and go on being served");
}

#[tokio::test]
async fn one_that_spins_uses_up_its_cpu() {
    check_fault("spin", guests::SPIN, "", "300 ms of CPU").await;
}

#[tokio::test]
async fn one_that_hoards_memory_uses_up_its_memory() {
    check_fault("hoard", guests::HOARD, "", "128 MiB of memory").await;
}

#[tokio::test]
async fn one_that_panics_crashes_alone() {
    check_fault("panic", guests::PANIC, "", "crashed").await;
}

#[test]
fn one_that_needs_what_it_was_not_granted_is_refused_with_the_line_that_would_grant_it() {
    let home = home("nosy", guests::NOSY, "");
    let mut check = home.command(&["config", "check", "--config"]);
    check.arg(home.config());
    let output = Output::of(check);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("grants: [http]") && output.stderr.contains("plugins.nosy"), "{}", output.stderr);
}

#[test]
fn a_file_that_is_not_the_pinned_one_is_refused() {
    let home =
        home("spin", guests::SPIN, ", sha256: \"0000000000000000000000000000000000000000000000000000000000000000\"");
    let mut check = home.command(&["config", "check", "--config"]);
    check.arg(home.config());
    let output = Output::of(check);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("sha256") && output.stderr.contains("wants"), "{}", output.stderr);
}
