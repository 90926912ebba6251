//! Scans that were under way when their backend was swapped.

use std::{fs, time::Duration};

use fake_nessus::{Operation, Settings};
use scanhost_it::{
    guests::{NESSUS, STEADY, relabelled, state_version, version},
    lab::{Lab, SCAN_TIME, instant, lab_report, sha256, wait_until},
    server::replace,
};
use serde_json::{Value, json};

use crate::plant::Plant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_goes_on_over_a_swap_of_its_backend_with_one_launch() {
    let settings = Settings { scan_duration: Duration::from_secs(10), ..instant(lab_report()) };
    let lab = Lab::new(settings).await;
    let plugin = lab.home.config().join("nessus.wasm");
    let generation = async |wanted: &str| {
        let start = std::time::Instant::now();
        loop {
            let ready = lab.server.ready().await;
            let plugins = ready["plugins"].as_array().unwrap();
            if plugins.iter().any(|plugin| plugin["name"] == "nessus" && plugin["digest"] == wanted) {
                return;
            }
            assert!(start.elapsed() < SCAN_TIME, "{ready}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let other = relabelled(NESSUS, b'b');
    fs::write(&plugin, &other).unwrap();
    let server = lab.home.config().join("scanhost.yaml");
    let text = fs::read_to_string(&server).unwrap();
    replace(&server, format!("{text}plugins: {{nessus: {{file: nessus.wasm, grants: [http]}}}}\n"));
    // Once before the scan, so that compiling takes no time during it.
    generation(&sha256(&other)).await;
    replace(&plugin, NESSUS);
    generation(&sha256(NESSUS)).await;

    let id = lab.submitted().await;
    wait_until("the launch", || lab.scanner.records().done.of(Operation::Launch) == 1).await;
    replace(&plugin, &other);
    generation(&sha256(&other)).await;
    let status = lab.mcp.ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(status["status"], "running", "it was swapped while the scan ran");
    let status = lab.ended(&id).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["attempts"], 1, "{status}");
    let done = lab.record(&status).done;
    assert_eq!((done.of(Operation::Create), done.of(Operation::Launch)), (1, 1), "{done:?}");
}

impl Plant {
    /// A scan of `steady` that is under way, and is so for a few seconds more.
    async fn long_scan(&self) -> String {
        let arguments =
            json!({ "targets": "10.0.0.1", "name": "a long scan", "scanner_pool": "steady", "description": "30" });
        let id = self.mcp.ok("run_untrusted_scan", arguments).await["task_id"].as_str().unwrap().to_owned();
        let start = std::time::Instant::now();
        while self.mcp.ok("get_scan_status", json!({ "task_id": id })).await["progress"] != 50 {
            assert!(start.elapsed() < SCAN_TIME);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        id
    }

    /// What the scan's one finding says about who made it.
    async fn found_by(&self, id: &str) -> String {
        let lines = self.mcp.results(json!({ "task_id": id, "custom_fields": ["plugin_name"] })).await;
        let found = lines.iter().find(|line: &&Value| line["type"] == "vulnerability").unwrap();
        found["plugin_name"].as_str().unwrap().to_owned()
    }
}

/// Submits a scan that takes a while, swaps its backend for this one, and returns which version read its report.
async fn check_swapped(component: Vec<u8>, expected: &str) {
    let plant = Plant::new();
    // Once before the scan, so that compiling takes no time during it.
    assert_eq!(plant.reload(|config| replace(&config.join("steady.wasm"), &component)).await["outcome"], "ok");
    assert_eq!(plant.reload(|config| replace(&config.join("steady.wasm"), STEADY)).await["outcome"], "ok");
    let id = plant.long_scan().await;
    let status = async || plant.mcp.ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(plant.reload(|config| replace(&config.join("steady.wasm"), &component)).await["outcome"], "ok");
    assert_eq!(status().await["status"], "running", "it was swapped while the scan ran");
    let status = plant.mcp.ended(&id, SCAN_TIME).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(plant.found_by(&id).await, expected);
    let record = fs::read_to_string(plant.home.data().join("tasks").join(&id).join("task.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let last = if expected.ends_with('2') { sha256(&component) } else { sha256(STEADY) };
    assert_eq!(record["plugin"]["sha256"], last, "the record names the version that read the report");
    assert_eq!(plant.versions().await.0, "found by version 2", "whatever starts now is the new version's");
}

#[tokio::test]
async fn a_scan_follows_to_a_version_that_reads_its_state() {
    check_swapped(version(STEADY, 2), "found by version 2").await;
}

#[tokio::test]
async fn a_scan_stays_with_the_old_version_where_the_new_one_cannot_read_its_state() {
    check_swapped(state_version(&version(STEADY, 2), 2), "found by version 1").await;
}

#[tokio::test]
async fn a_scan_finds_the_version_that_wrote_its_state_after_a_restart() {
    let plant = Plant::new();
    let id = plant.long_scan().await;
    let other = state_version(&version(STEADY, 2), 2);
    assert_eq!(plant.reload(|config| replace(&config.join("steady.wasm"), &other)).await["outcome"], "ok");
    let Plant { home, server, .. } = plant;
    server.kill();
    let plant = Plant::on(home);
    let status = plant.mcp.ended(&id, SCAN_TIME).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(plant.found_by(&id).await, "found by version 1");
    let record = fs::read_to_string(plant.home.data().join("tasks").join(&id).join("task.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["plugin"], json!({ "version": "1.1.0", "sha256": sha256(STEADY) }));
}
