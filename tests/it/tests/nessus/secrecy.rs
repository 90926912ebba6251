//! Secrets go to the scanner and nowhere else.

use std::{fs, path::Path};

use fake_nessus::{Fault, Kind, Operation};
use scanhost_it::{
    lab::{Lab, endless, instant, lab_report, scanners, wait_until},
    server::{Home, Server},
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-horse-battery-staple";
const PASSPHRASE: &str = "open-sesame-please";
const ESCALATION: &str = "second-factor-of-root";
/// A line of a private key: also that alone must not be found.
const KEY_LINE: &str = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ";

/// The tools, their logins, and which arguments are shown as stars.
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

/// A lab whose host logs as much as an operator can ask for.
async fn talkative(settings: fake_nessus::Settings) -> Lab {
    let keys = settings.api_keys.clone().unwrap_or_default();
    let scanner = fake_nessus::FakeNessus::start(settings).await;
    let auth = format!("{{access_key: {}, secret_key: {}}}", keys.access, keys.secret);
    let home = Home::new(&[
        ("scanners.yaml", &scanners(&scanner.url(), &auth)),
        ("scanhost.yaml", "limits: {poll_seconds: 0.2}\n"),
    ]);
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--config").arg(home.config()).env("SCANHOST_LOG", "trace");
    let server = Server::start(command);
    let mcp = server.mcp();
    Lab { scanner, home, server, mcp }
}

/// Every secret there is, the scanner's own ones too.
fn secrets() -> Vec<String> {
    let keys = fake_nessus::ApiKeys::default();
    vec![PASSWORD.into(), PASSPHRASE.into(), ESCALATION.into(), KEY_LINE.into(), keys.access, keys.secret]
}

fn assert_none_in(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in secrets() {
        let around = text.find(&secret).map(|at| text[..at].chars().rev().take(200).collect::<Vec<char>>());
        let before = around.map(|before| before.into_iter().rev().collect::<String>());
        assert!(before.is_none(), "{what} has a secret, after: {}", before.unwrap_or_default());
    }
}

/// All files below a folder but those of compiled plugins, which all tests share.
fn assert_none_below(folder: &Path) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            assert_none_below(&path);
        } else if let Ok(bytes) = fs::read(&path) {
            assert_none_in(&path.display().to_string(), &bytes);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_in_no_answer_log_or_file_when_a_scan_has_ended() {
    let lab = talkative(instant(lab_report())).await;
    for (tool, arguments, masked) in logins() {
        // Errors and retries are told and logged too.
        let drops = [Operation::Create, Operation::Launch].map(|operation| Fault::next(1, operation, Kind::DropAfter));
        lab.scanner.set_faults(drops);
        let id = lab.submitted_to(tool, arguments).await;
        let status = lab.ended(&id).await;
        assert_eq!(status["status"], "completed", "{status}");
        let settings = lab.mcp.ok("get_scan_settings", json!({ "task_id": id })).await;
        for name in masked {
            assert_eq!(settings[name], "***", "{name}: {settings}");
        }
        assert_eq!(settings["ssh_username"], "audit");
        assert_none_in("get_scan_settings", settings.to_string().as_bytes());
        let record = fs::read(lab.home.data().join("tasks").join(&id).join("task.json")).expect("there is a task.json");
        assert!(String::from_utf8_lossy(&record).contains("***"), "task.json shows that there were secrets");
    }
    assert!(lab.server.log().contains("scanner request"), "the log is a detailed one");
    assert_none_in("the log", lab.server.log().as_bytes());
    assert_none_below(&lab.home.data());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_in_no_file_while_a_scan_waits_and_runs() {
    let lab = talkative(endless()).await;
    let mut ids = Vec::new();
    // Two run and the rest waits.
    for (tool, arguments, _) in logins().into_iter().chain(logins()) {
        ids.push(lab.submitted_to(tool, arguments).await);
    }
    wait_until("two running scans", || lab.scanner.records().done.of(Operation::Launch) == 2).await;
    assert_none_in("the log", lab.server.log().as_bytes());
    assert_none_below(&lab.home.data());
    let waiting = lab.mcp.ok("list_scans", json!({ "status": "queued" })).await;
    assert_eq!(waiting["scans"].as_array().map(Vec::len), Some(2));
    assert_none_in("list_scans", waiting.to_string().as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_that_a_refused_create_quotes_are_not_told() {
    let lab = talkative(instant(lab_report())).await;
    let refusals = [400, 403, 412].map(|code| {
        let code = code.try_into().expect("a status");
        Fault::next(1, Operation::Create, Kind::Status { code })
    });
    for refusal in refusals {
        lab.scanner.set_faults([refusal]);
        let (tool, arguments, _) = logins().into_iter().next_back().expect("there are logins");
        let id = lab.submitted_to(tool, arguments).await;
        let status = lab.ended(&id).await;
        assert_eq!(status["status"], "failed", "{status}");
        assert_none_in("get_scan_status", status.to_string().as_bytes());
    }
    assert_none_in("the log", lab.server.log().as_bytes());
    assert_none_below(&lab.home.data());
}
