//! Scans that run while their backend is swapped.

use std::{fs, time::Duration};

use fake_nessus::{Operation, Settings};
use scanhost_it::{
    guests::{NESSUS, STEADY, with_other_digest, with_state_version, with_version},
    server::replace_file,
    testbed::{SCAN_TIMEOUT, Testbed, four_host_report, instant_scans, sha256_hex, wait_until},
};
use serde_json::{Value, json};

use crate::test_host::TestHost;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_scan_survives_a_swap_of_its_backend() {
    let settings = Settings { scan_duration: Duration::from_secs(10), ..instant_scans(four_host_report()) };
    let testbed = Testbed::new(settings).await;
    let plugin = testbed.home.config().join("nessus.wasm");
    let wait_for_digest = async |digest: &str| {
        let start = std::time::Instant::now();
        loop {
            let ready = testbed.server.ready().await;
            let plugins = ready["plugins"].as_array().unwrap();
            if plugins.iter().any(|plugin| plugin["name"] == "nessus" && plugin["digest"] == digest) {
                return;
            }
            assert!(start.elapsed() < SCAN_TIMEOUT, "{ready}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let other = with_other_digest(NESSUS, b'b');
    fs::write(&plugin, &other).unwrap();
    let server = testbed.home.config().join("scanhost.yaml");
    let text = fs::read_to_string(&server).unwrap();
    replace_file(&server, format!("{text}plugins: {{nessus: {{file: nessus.wasm, grants: [http]}}}}\n"));
    // Both versions are loaded before the scan, so that they are in the cache of compiled plugins.
    wait_for_digest(&sha256_hex(&other)).await;
    replace_file(&plugin, NESSUS);
    wait_for_digest(&sha256_hex(NESSUS)).await;

    let id = testbed.submit().await;
    wait_until("the launch", || testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    replace_file(&plugin, &other);
    wait_for_digest(&sha256_hex(&other)).await;
    let status = testbed.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(status["status"], "running", "the backend was swapped while the scan ran");
    let status = testbed.wait_for_end(&id).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["attempts"], 1, "{status}");
    let executed = testbed.record(&status).executed;
    assert_eq!((executed.count(Operation::Create), executed.count(Operation::Launch)), (1, 1), "{executed:?}");
}

impl TestHost {
    /// Starts a scan of `steady` that runs for a few more seconds, and returns its task id.
    async fn start_long_scan(&self) -> String {
        let arguments =
            json!({ "targets": "10.0.0.1", "name": "a long scan", "scanner_pool": "steady", "description": "30" });
        let id = self.mcp.call_ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned();
        let start = std::time::Instant::now();
        while self.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await["progress"] != 50 {
            assert!(start.elapsed() < SCAN_TIMEOUT);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        id
    }

    /// The name of the only finding of the scan, which has the version that read the report.
    async fn finding_name(&self, id: &str) -> String {
        let lines = self.mcp.results(json!({ "task_id": id, "custom_fields": ["plugin_name"] })).await;
        let found = lines.iter().find(|line: &&Value| line["type"] == "vulnerability").unwrap();
        found["plugin_name"].as_str().unwrap().to_owned()
    }
}

/// Swaps the backend for this component while a scan runs, and checks which version read its report.
async fn check_version_after_swap(component: Vec<u8>, expected: &str) {
    let host = TestHost::start();
    // Both versions are loaded before the scan, so that they are in the cache of compiled plugins.
    assert_eq!(host.reload(|config| replace_file(&config.join("steady.wasm"), &component)).await["outcome"], "ok");
    assert_eq!(host.reload(|config| replace_file(&config.join("steady.wasm"), STEADY)).await["outcome"], "ok");
    let id = host.start_long_scan().await;
    let status = async || host.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(host.reload(|config| replace_file(&config.join("steady.wasm"), &component)).await["outcome"], "ok");
    assert_eq!(status().await["status"], "running", "the backend was swapped while the scan ran");
    let status = host.mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(host.finding_name(&id).await, expected);
    let record = fs::read_to_string(host.home.data().join("tasks").join(&id).join("task.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let digest = if expected.ends_with('2') { sha256_hex(&component) } else { sha256_hex(STEADY) };
    assert_eq!(record["plugin"]["sha256"], digest, "the record names the version that read the report");
    assert_eq!(host.versions_in_use().await.0, "found by version 2", "a new scan uses the new version");
}

#[tokio::test]
async fn running_scan_moves_to_a_version_with_the_same_state_version() {
    check_version_after_swap(with_version(STEADY, 2), "found by version 2").await;
}

#[tokio::test]
async fn running_scan_stays_on_the_old_version_when_the_state_version_differs() {
    check_version_after_swap(with_state_version(&with_version(STEADY, 2), 2), "found by version 1").await;
}

#[tokio::test]
async fn running_scan_keeps_its_version_over_a_restart() {
    let host = TestHost::start();
    let id = host.start_long_scan().await;
    let other = with_state_version(&with_version(STEADY, 2), 2);
    assert_eq!(host.reload(|config| replace_file(&config.join("steady.wasm"), &other)).await["outcome"], "ok");
    let TestHost { home, server, .. } = host;
    server.kill();
    let host = TestHost::start_on(home);
    let status = host.mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(host.finding_name(&id).await, "found by version 1");
    let record = fs::read_to_string(host.home.data().join("tasks").join(&id).join("task.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["plugin"], json!({ "version": "1.1.0", "sha256": sha256_hex(STEADY) }));
}
