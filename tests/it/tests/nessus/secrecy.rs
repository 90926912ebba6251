//! Secrets of a scan reach the scanner, and no answer, log or file.

use std::{fs, path::Path};

use fake_nessus::{Fault, FaultKind, Operation};
use scanhost_it::{
    server::{Home, Server},
    testbed::{Testbed, endless_scans, four_host_report, instant_scans, nessus_scanners_yaml, wait_until},
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-horse-battery-staple";
const PASSPHRASE: &str = "open-sesame-please";
const ESCALATION: &str = "second-factor-of-root";
/// One line of a private key, which must not occur alone either.
const KEY_LINE: &str = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ";

/// The tools, their credentials, and the arguments whose values are shown as `***`.
fn logins() -> [(&'static str, Value, &'static [&'static str]); 2] {
    let key = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{KEY_LINE}\n-----END OPENSSH PRIVATE KEY-----\n");
    [
        (
            "run_trusted_scan",
            json!({ "ssh_username": "audit", "ssh_private_key": key, "ssh_passphrase": PASSPHRASE }),
            &["ssh_private_key", "ssh_passphrase"],
        ),
        (
            "run_privileged_scan",
            json!({ "ssh_username": "audit", "ssh_password": PASSWORD, "elevate_privileges_with": "su",
                    "escalation_account": "root", "escalation_password": ESCALATION }),
            &["ssh_password", "escalation_password"],
        ),
    ]
}

/// A testbed whose host logs with the level `trace`.
async fn with_trace_log(settings: fake_nessus::Settings) -> Testbed {
    let keys = settings.api_keys.clone().unwrap_or_default();
    let scanner = fake_nessus::FakeNessus::start(settings).await;
    let auth = format!("{{access_key: {}, secret_key: {}}}", keys.access, keys.secret);
    let home = Home::new(&[
        ("scanners.yaml", &nessus_scanners_yaml(&scanner.url(), &auth)),
        ("scanhost.yaml", "limits: {poll_seconds: 0.2}\n"),
    ]);
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--config").arg(home.config()).env("SCANHOST_LOG", "trace");
    let server = Server::start(command);
    let mcp = server.mcp();
    Testbed { scanner, home, server, mcp }
}

/// All secrets, including the API keys of the scanner.
fn secrets() -> Vec<String> {
    let keys = fake_nessus::ApiKeys::default();
    vec![PASSWORD.into(), PASSPHRASE.into(), ESCALATION.into(), KEY_LINE.into(), keys.access, keys.secret]
}

fn assert_no_secret_in(name: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in secrets() {
        let around = text.find(&secret).map(|at| text[..at].chars().rev().take(200).collect::<Vec<char>>());
        let before = around.map(|before| before.into_iter().rev().collect::<String>());
        assert!(before.is_none(), "{name} has a secret after: {}", before.unwrap_or_default());
    }
}

/// Checks all files below a folder, except the compiled plugins, which all tests share.
fn assert_no_secret_below(folder: &Path) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            assert_no_secret_below(&path);
        } else if let Ok(bytes) = fs::read(&path) {
            assert_no_secret_in(&path.display().to_string(), &bytes);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_ended_scans_are_in_no_answer_log_or_file() {
    let testbed = with_trace_log(instant_scans(four_host_report())).await;
    for (tool, arguments, masked) in logins() {
        // These faults make the host report and log errors and retries.
        let drops =
            [Operation::Create, Operation::Launch].map(|operation| Fault::next(1, operation, FaultKind::DropAfter));
        testbed.scanner.set_faults(drops);
        let id = testbed.submit_with(tool, arguments).await;
        let status = testbed.wait_for_end(&id).await;
        assert_eq!(status["status"], "completed", "{status}");
        let settings = testbed.mcp.call_ok("get_scan_settings", json!({ "task_id": id })).await;
        for name in masked {
            assert_eq!(settings[name], "***", "{name}: {settings}");
        }
        assert_eq!(settings["ssh_username"], "audit");
        assert_no_secret_in("get_scan_settings", settings.to_string().as_bytes());
        let record =
            fs::read(testbed.home.data().join("tasks").join(&id).join("task.json")).expect("there is a task.json");
        assert!(String::from_utf8_lossy(&record).contains("***"), "task.json masks the secrets");
    }
    assert!(testbed.server.log().contains("scanner request"), "the log has the requests to the scanner");
    assert_no_secret_in("the log", testbed.server.log().as_bytes());
    assert_no_secret_below(&testbed.home.data());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_queued_and_running_scans_are_in_no_answer_log_or_file() {
    let testbed = with_trace_log(endless_scans()).await;
    let mut ids = Vec::new();
    // Two scans run, and two wait in the queue.
    for (tool, arguments, _) in logins().into_iter().chain(logins()) {
        ids.push(testbed.submit_with(tool, arguments).await);
    }
    wait_until("two running scans", || testbed.scanner.records().executed.count(Operation::Launch) == 2).await;
    assert_no_secret_in("the log", testbed.server.log().as_bytes());
    assert_no_secret_below(&testbed.home.data());
    let waiting = testbed.mcp.call_ok("list_scans", json!({ "status": "queued" })).await;
    assert_eq!(waiting["scans"].as_array().map(Vec::len), Some(2));
    assert_no_secret_in("list_scans", waiting.to_string().as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_quoted_by_the_scanner_are_not_repeated() {
    let testbed = with_trace_log(instant_scans(four_host_report())).await;
    let refusals = [400, 403, 412].map(|code| {
        let code = code.try_into().expect("a status");
        Fault::next(1, Operation::Create, FaultKind::Status { code })
    });
    for refusal in refusals {
        testbed.scanner.set_faults([refusal]);
        let (tool, arguments, _) = logins().into_iter().next_back().expect("there are logins");
        let id = testbed.submit_with(tool, arguments).await;
        let status = testbed.wait_for_end(&id).await;
        assert_eq!(status["status"], "failed", "{status}");
        assert_no_secret_in("get_scan_status", status.to_string().as_bytes());
    }
    assert_no_secret_in("the log", testbed.server.log().as_bytes());
    assert_no_secret_below(&testbed.home.data());
}
