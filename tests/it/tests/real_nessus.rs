//! A scan of a real Nessus, if the environment names one by NESSUS_URL, NESSUS_ACCESS_KEY and NESSUS_SECRET_KEY.
//! NESSUS_TLS_INSECURE=true and NESSUS_TEST_TARGET (default: 127.0.0.1, the scanner itself) are optional. Without a
//! Nessus the test prints that it did not run. The remote scan is not removed.

use std::{
    env,
    io::Write as _,
    time::{Duration, Instant},
};

use scanhost_it::{
    mcp::McpClient,
    server::{Home, Server},
};
use serde_json::{Value, json};

const REQUIRED: [&str; 3] = ["NESSUS_URL", "NESSUS_ACCESS_KEY", "NESSUS_SECRET_KEY"];

/// The longest time until the host has checked the health of the scanner.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest time of a scan, which usually takes one to eight minutes for one host.
const SCAN_TIMEOUT: Duration = Duration::from_secs(45 * 60);

/// The scanner, whose variables the host reads from its own environment.
const SCANNERS: &str = r#"
nessus:
  - instance_id: real
    url: "${NESSUS_URL}"
    auth: {access_key: "${NESSUS_ACCESS_KEY}", secret_key: "${NESSUS_SECRET_KEY}"}
    tls: {insecure: "${NESSUS_TLS_INSECURE:-false}"}
"#;

/// Prints to the real standard output, which the test runner does not capture.
fn say(text: &str) {
    writeln!(std::io::stdout(), "\nreal_nessus: {text}").expect("standard output can be written to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_nessus_completes_a_scan_from_submit_to_findings() {
    let missing: Vec<&str> =
        REQUIRED.into_iter().filter(|name| env::var(name).unwrap_or_default().is_empty()).collect();
    if !missing.is_empty() {
        say(&format!("NOT RUN, since these variables are not set: {}", missing.join(", ")));
        return;
    }
    let target = env::var("NESSUS_TEST_TARGET").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let policy = format!("limits: {{poll_seconds: 5}}\npools: {{nessus: {{allowed_targets: [\"{target}\"]}}}}\n");
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &policy)]);
    let server = home.start();
    let mcp = server.mcp();
    let scanner = wait_for_health(&server, &mcp).await;
    let message = scanner["message"].as_str().unwrap_or_default();
    say(&format!("the scanner says: {message}"));
    if message.contains("scan_api") {
        say("NO SCAN, since the edition of the scanner has no API for scans; only its health was checked");
        assert_eq!(scanner["up"], false);
        return;
    }
    assert_eq!(scanner["up"], true, "{scanner}");
    scan(&mcp, &target).await;
}

/// Waits until the host has checked the health of the scanner, and returns the scanner's entry in `/ready`.
async fn wait_for_health(server: &Server, mcp: &McpClient) -> Value {
    let start = Instant::now();
    loop {
        let ready = mcp.http().get(format!("{}/ready", server.url())).send().await.expect("the host answers");
        let ready: Value = ready.json().await.expect("/ready is JSON");
        let scanner = ready["scanners"][0].clone();
        if scanner["message"].is_string() {
            return scanner;
        }
        assert!(start.elapsed() < HEALTH_TIMEOUT, "the scanner was not checked within {HEALTH_TIMEOUT:?}: {ready}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn scan(mcp: &McpClient, target: &str) {
    let listed = mcp.call_ok("list_scanners", json!({})).await;
    assert_eq!(listed["scanners"][0]["backend"], "nessus");
    let submitted = mcp.call_ok("run_untrusted_scan", json!({ "targets": target, "name": "scanhost test" })).await;
    let id = submitted["task_id"].as_str().expect("the answer to a submit has a task id");
    let status = mcp.wait_for_end(id, SCAN_TIMEOUT).await;
    assert_eq!(status["status"], "completed", "{status}");
    let total = &status["results_summary"]["total_vulnerabilities"];
    say(&format!("scan {} of {target} found {total}; it stays at the scanner", status["remote_scan_id"]));
    let report = mcp.call_ok("download_native_scan", json!({ "task_id": id })).await;
    assert!(report["size"].as_u64().is_some_and(|size| size > 0), "{report}");
    let lines = mcp.results(json!({ "task_id": id, "schema_profile": "full" })).await;
    assert_eq!((&lines[0]["type"], &lines[1]["type"]), (&json!("schema"), &json!("scan_metadata")));
    assert_eq!(lines[0]["total_vulnerabilities"], *total);
}
