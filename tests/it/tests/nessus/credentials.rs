//! Credentials for the targets, as the scanner receives them.

use std::fs;

use scanhost_it::testbed::{ScannerLogin, Testbed, four_host_report, instant_scans};
use serde_json::{Value, json};

const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n";

/// Named credentials of the configuration. `FILE` is replaced by the path of a file with a password.
const CONFIGURED: &str = "credentials:
  linux-audit: {ssh_username: audit, ssh_password: \"file:FILE\"}
  linux-root: {ssh_username: audit, ssh_private_key: \"-----BEGIN KEY-----\", ssh_passphrase: 'phrase \"of\" it', \
     elevate_privileges_with: su+sudo, escalation_account: root, escalation_password: \"escalation-secret\"}
";

/// Checks the SSH entry of the create request, whose constant members `entry` does not have.
async fn check_entry(testbed: &Testbed, tool: &str, arguments: Value, mut entry: Value) {
    let constant = json!({ "custom_password_prompt": "", "target_priority_list": "" });
    entry.as_object_mut().expect("an object").extend(constant.as_object().expect("an object").clone());
    let id = testbed.submit_with(tool, arguments).await;
    let status = testbed.wait_for_end(&id).await;
    assert_eq!(status["status"], "completed", "{status}");
    let creates = testbed.record(&status).creates;
    assert_eq!(creates.len(), 1);
    let expected = json!({ "add": { "Host": { "SSH": [entry] } }, "edit": {}, "delete": [] });
    assert_eq!(creates[0]["credentials"], expected, "{tool}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_request_has_the_documented_form() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let targets = "10.20.0.11, 10.20.0.16/30 10.20.0.30-40";
    let id =
        testbed.submit_with("run_untrusted_scan", json!({ "targets": targets, "description": "why & \"how\"" })).await;
    let status = testbed.wait_for_end(&id).await;
    let create = testbed.record(&status).creates.remove(0);
    let installation =
        std::fs::read_to_string(testbed.home.data().join("installation")).expect("the host has written it");
    assert_eq!(
        create,
        json!({
            "uuid": fake_nessus::Settings::default().advanced_template,
            "settings": {
                "name": format!("quarterly audit [scanhost {} {id}]", installation.trim()),
                "text_targets": create["settings"]["text_targets"],
                "description": "why & \"how\"",
                "enabled": true,
                "scanner_id": 1,
                "launch_now": false,
            },
        }),
    );
    let sent = create["settings"]["text_targets"].as_str().expect("text");
    assert_eq!(sent, "10.20.0.11,10.20.0.16/30,10.20.0.30-10.20.0.40");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_of_agents_are_sent_in_the_documented_form() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    for (tool, arguments, entry) in [
        (
            "run_trusted_scan",
            json!({ "ssh_username": "audit", "ssh_password": "pa\"ss\\word\n\u{e9}" }),
            json!({ "auth_method": "password", "username": "audit", "password": "pa\"ss\\word\n\u{e9}",
                    "elevate_privileges_with": "Nothing" }),
        ),
        (
            "run_trusted_scan",
            json!({ "ssh_username": "audit", "ssh_private_key": KEY, "ssh_passphrase": "open sesame" }),
            json!({ "auth_method": "public key", "username": "audit", "private_key": KEY,
                    "private_key_passphrase": "open sesame", "elevate_privileges_with": "Nothing" }),
        ),
        (
            "run_privileged_scan",
            json!({ "ssh_username": "audit", "ssh_password": "first-secret", "elevate_privileges_with": "sudo",
                    "escalation_account": "root", "escalation_password": "second-secret" }),
            json!({ "auth_method": "password", "username": "audit", "password": "first-secret",
                    "elevate_privileges_with": "sudo", "escalation_account": "root",
                    "escalation_password": "second-secret" }),
        ),
        (
            "run_privileged_scan",
            json!({ "ssh_username": "audit", "ssh_private_key": KEY, "elevate_privileges_with": "Cisco 'enable'" }),
            json!({ "auth_method": "public key", "username": "audit", "private_key": KEY,
                    "elevate_privileges_with": "Cisco 'enable'" }),
        ),
    ] {
        check_entry(&testbed, tool, arguments, entry).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configured_credentials_are_sent_in_the_documented_form() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("password");
    fs::write(&file, "from-a-file\n").expect("a file can be written");
    let configured = CONFIGURED.replace("FILE", &file.display().to_string());
    let testbed = Testbed::with_login(instant_scans(four_host_report()), ScannerLogin::ApiKeys, &configured).await;
    let root = json!({ "auth_method": "public key", "username": "audit", "private_key": "-----BEGIN KEY-----",
                       "private_key_passphrase": "phrase \"of\" it" });
    let root_with = |more: Value| {
        let mut entry = root.clone();
        entry.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        entry
    };
    for (tool, arguments, entry) in [
        (
            "run_trusted_scan",
            json!({ "credential": "linux-audit" }),
            json!({ "auth_method": "password", "username": "audit", "password": "from-a-file",
                    "elevate_privileges_with": "Nothing" }),
        ),
        (
            "run_trusted_scan",
            json!({ "credential": "linux-root" }),
            root_with(json!({ "elevate_privileges_with": "Nothing" })),
        ),
        (
            "run_privileged_scan",
            json!({ "credential": "linux-root" }),
            root_with(json!({ "elevate_privileges_with": "su+sudo", "escalation_account": "root",
                              "escalation_password": "escalation-secret" })),
        ),
        (
            "run_privileged_scan",
            json!({ "credential": "linux-audit", "elevate_privileges_with": "pbrun" }),
            json!({ "auth_method": "password", "username": "audit", "password": "from-a-file",
                    "elevate_privileges_with": "pbrun" }),
        ),
    ] {
        check_entry(&testbed, tool, arguments, entry).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_credential_gets_a_hint_with_existing_ones() {
    let testbed = Testbed::with_login(
        instant_scans(four_host_report()),
        ScannerLogin::ApiKeys,
        &CONFIGURED.replace("file:FILE", "plain-secret"),
    )
    .await;
    let arguments = json!({ "targets": "10.20.0.11", "name": "n", "credential": "linux" });
    let (code, _, hint) = testbed.mcp.call_refused("run_trusted_scan", arguments).await;
    assert_eq!(code, "invalid_argument");
    assert!(hint.contains("linux-audit") && hint.contains("linux-root"), "{hint}");
}
