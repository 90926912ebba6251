//! The data folder goes away under a running host, or another one takes its place: no scan completes without its
//! findings, and the host goes on by itself once the folder is back.

use std::{fs, path::PathBuf, time::Duration};

use fake_nessus::{Fault, FaultKind, Operation};
use scanhost_it::testbed::{ScannerLogin, Testbed, four_host_report, instant_scans, wait_until};
use serde_json::{Value, json};

/// What takes the place of the folder.
#[derive(Clone, Copy, Debug)]
enum Replacement {
    Nothing,
    EmptyFolder,
    AnotherInstallation,
}

/// The step at the scanner during which the folder goes away.
const STEPS: [Operation; 3] = [Operation::Create, Operation::Status, Operation::ExportStatus];

struct MovedFolder {
    data: PathBuf,
    aside: PathBuf,
}

impl MovedFolder {
    fn move_away(testbed: &Testbed, replacement: Replacement) -> Self {
        let data = testbed.home.data();
        let aside = testbed.home.path().join("aside");
        fs::rename(&data, &aside).expect("the folder can be renamed");
        match replacement {
            Replacement::Nothing => {}
            Replacement::EmptyFolder => fs::create_dir(&data).expect("a folder can be made"),
            Replacement::AnotherInstallation => {
                fs::create_dir(&data).expect("a folder can be made");
                fs::write(data.join("installation"), "0123456789abcdef\n").expect("a file can be written");
            }
        }
        Self { data, aside }
    }

    /// Puts the folder back, and returns what was written into its replacement.
    fn put_back(self) -> Vec<String> {
        let written = fs::read_dir(&self.data).into_iter().flatten().filter_map(Result::ok);
        let written = written.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let _gone = fs::remove_dir_all(&self.data);
        fs::rename(self.aside, self.data).expect("the folder can be renamed back");
        written
    }
}

async fn readiness(testbed: &Testbed) -> (u16, Value) {
    let answer = testbed.mcp.http().get(format!("{}/ready", testbed.server.url())).send().await;
    let answer = answer.expect("the server answers");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn check(step: Operation, replacement: Replacement) {
    let testbed = Testbed::with_login(instant_scans(four_host_report()), ScannerLogin::ApiKeys, "").await;
    let slow = FaultKind::Latency { by: Duration::from_millis(700) };
    testbed.scanner.set_faults([Fault::every(1, step, slow)]);
    let before = testbed.scanner.records().received.count(step);
    let id = testbed.submit().await;
    wait_until("the step", || testbed.scanner.records().received.count(step) > before).await;
    let moved = MovedFolder::move_away(&testbed, replacement);
    testbed.scanner.set_faults([]);
    let (code, ready) = readiness(&testbed).await;
    assert_eq!((code, &ready["disk"]["ok"]), (503, &json!(false)), "{step:?} {replacement:?}: {ready}");
    let message = ready["disk"]["message"].as_str().expect("a message");
    assert!(message.contains("data folder") && message.contains("put it back"), "{message}");
    wait_until("the scan to wait", || testbed.server.log().contains("waits for the data folder")).await;
    let status = testbed.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
    assert_eq!(status["status"], "running", "{step:?} {replacement:?}: {status}");
    let mut written = moved.put_back();
    written.retain(|name| name != "installation");
    assert_eq!(written, Vec::<String>::new(), "{step:?} {replacement:?}: nothing is written into another folder");
    let status = testbed.wait_for_end(&id).await;
    assert_eq!(status["status"], "completed", "{step:?} {replacement:?}: {status}");
    let lines = testbed.mcp.results(json!({ "task_id": id, "page": 0 })).await;
    let findings = lines.iter().filter(|line| line["type"] == "vulnerability").count();
    assert_eq!(status["results_summary"]["total_vulnerabilities"], findings);
    let launches = testbed.record(&status).executed.count(Operation::Launch);
    assert_eq!(launches, 1, "{step:?} {replacement:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_waits_for_a_missing_folder_and_completes_with_its_findings() {
    for step in STEPS {
        check(step, Replacement::Nothing).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_into_a_bare_mount_point() {
    for step in STEPS {
        check(step, Replacement::EmptyFolder).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_into_another_installation() {
    for step in STEPS {
        check(step, Replacement::AnotherInstallation).await;
    }
}
