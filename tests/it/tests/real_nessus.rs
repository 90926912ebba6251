//! Against a real Nessus, where one is named in the environment: NESSUS_URL with NESSUS_ACCESS_KEY and
//! NESSUS_SECRET_KEY, and where wanted NESSUS_TLS_INSECURE=true and NESSUS_TEST_TARGET (default 127.0.0.1: the scanner
//! itself). Without them it says that it was not run. The scan stays at the scanner.

use std::{
    env,
    io::Write as _,
    time::{Duration, Instant},
};

use scanhost_it::{
    mcp::Mcp,
    server::{Home, Server},
};
use serde_json::{Value, json};

const NEEDED: [&str; 3] = ["NESSUS_URL", "NESSUS_ACCESS_KEY", "NESSUS_SECRET_KEY"];

/// For the first look at the scanner.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// A scan of one host takes one to eight minutes.
const SCAN_TIME: Duration = Duration::from_secs(45 * 60);

/// The host takes the variables from its own environment.
const SCANNERS: &str = r#"
nessus:
  - instance_id: real
    url: "${NESSUS_URL}"
    auth: {access_key: "${NESSUS_ACCESS_KEY}", secret_key: "${NESSUS_SECRET_KEY}"}
    tls: {insecure: "${NESSUS_TLS_INSECURE:-false}"}
"#;

/// On standard output also where the test runner captures what is printed.
fn say(text: &str) {
    writeln!(std::io::stdout(), "\nreal_nessus: {text}").expect("standard output can be written to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_scanner_is_driven_from_submit_to_findings() {
    let missing: Vec<&str> = NEEDED.into_iter().filter(|name| env::var(name).unwrap_or_default().is_empty()).collect();
    if !missing.is_empty() {
        say(&format!("NOT RUN, since not set: {}", missing.join(", ")));
        return;
    }
    let target = env::var("NESSUS_TEST_TARGET").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let policy = format!("limits: {{poll_seconds: 5}}\npools: {{nessus: {{allowed_targets: [\"{target}\"]}}}}\n");
    let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", &policy)]);
    let server = home.start();
    let mcp = server.mcp();
    let scanner = answering_scanner(&server, &mcp).await;
    let message = scanner["message"].as_str().unwrap_or_default();
    say(&format!("the scanner says: {message}"));
    if message.contains("scan_api") {
        say("NO SCAN, since its edition takes none over the API; only its health was checked");
        assert_eq!(scanner["up"], false);
        return;
    }
    assert_eq!(scanner["up"], true, "{scanner}");
    scan(&mcp, &target).await;
}

/// What the host knows of its scanner once it has asked it.
async fn answering_scanner(server: &Server, mcp: &Mcp) -> Value {
    let start = Instant::now();
    loop {
        let ready = mcp.http().get(format!("{}/ready", server.url())).send().await.expect("the host answers");
        let ready: Value = ready.json().await.expect("/ready is JSON");
        let scanner = ready["scanners"][0].clone();
        if scanner["message"].is_string() {
            return scanner;
        }
        assert!(start.elapsed() < ANSWER_TIME, "the scanner was not asked within {ANSWER_TIME:?}: {ready}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn scan(mcp: &Mcp, target: &str) {
    let listed = mcp.ok("list_scanners", json!({})).await;
    assert_eq!(listed["scanners"][0]["backend"], "nessus");
    let submitted = mcp.ok("run_untrusted_scan", json!({ "targets": target, "name": "scanhost test" })).await;
    let id = submitted["task_id"].as_str().expect("a submit answers a task id");
    let status = mcp.ended(id, SCAN_TIME).await;
    assert_eq!(status["status"], "completed", "{status}");
    let total = &status["results_summary"]["total_vulnerabilities"];
    say(&format!("scan {} of {target} found {total}; it stays at the scanner", status["remote_scan_id"]));
    let report = mcp.ok("download_native_scan", json!({ "task_id": id })).await;
    assert!(report["size"].as_u64().is_some_and(|size| size > 0), "{report}");
    let lines = mcp.results(json!({ "task_id": id, "schema_profile": "full" })).await;
    assert_eq!((&lines[0]["type"], &lines[1]["type"]), (&json!("schema"), &json!("scan_metadata")));
    assert_eq!(lines[0]["total_vulnerabilities"], *total);
}
