//! The three scan types, on both logins at the scanner, from submit to findings.

use fake_nessus::{Login, Operation, Settings};
use scanhost_it::lab::{Access, Lab, instant, lab_report, scanners, task_id};
use serde_json::{Value, json};

/// Every scan type, with what its tool takes beside the usual arguments.
fn submits() -> [(&'static str, Value); 3] {
    [
        ("run_untrusted_scan", json!({})),
        ("run_trusted_scan", json!({ "ssh_username": "audit", "ssh_password": "Tr0ub4dor&3-horse" })),
        (
            "run_privileged_scan",
            json!({ "ssh_username": "audit", "ssh_password": "Tr0ub4dor&3-horse", "elevate_privileges_with": "sudo" }),
        ),
    ]
}

async fn check_every_type(lab: Lab) {
    for (tool, arguments) in submits() {
        let id = lab.submitted_to(tool, arguments).await;
        let status = lab.ended(&id).await;
        assert_eq!(status["status"], "completed", "{tool}: {status}");
        assert_eq!(status["progress"], 100);
        assert_eq!(status["backend"], "nessus");
        assert_eq!(status["remote_scan_id"], lab.remote(&id).expect("it is kept at the scanner").id.to_string());
        let summary = &status["results_summary"];
        assert_eq!(summary["hosts_scanned"], 4, "{status}");
        assert_eq!(summary["total_vulnerabilities"], 40);
        let counts = json!({ "critical": 4, "high": 8, "medium": 4, "low": 4, "info": 20 });
        assert_eq!(summary["severity_counts"], counts);
        let done = lab.record(&status).done;
        assert_eq!((done.of(Operation::Create), done.of(Operation::Launch)), (1, 1), "{tool}: {done:?}");
        assert!(lab.native_report(&id).await == lab_report(), "{tool}: the report differs from what the scanner sent");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_completes_on_api_keys() {
    check_every_type(Lab::new(instant(lab_report())).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_completes_on_sessions_that_end_every_few_requests() {
    let settings = Settings { session_requests: Some(3), api_keys: None, ..instant(lab_report()) };
    let lab = Lab::with(settings, Access::Session, "").await;
    check_every_type(lab).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_used_until_it_ends() {
    let lab = Lab::with(instant(lab_report()), Access::Session, "").await;
    let status = lab.scanned([]).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(lab.scanner.records().done.of(Operation::Login), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_the_scanner_refuses_fails_the_scan_with_a_hint() {
    for auth in ["{access_key: wrong, secret_key: wrong}", "{username: operator, password: wrong}"] {
        let scanner = fake_nessus::FakeNessus::start(instant(lab_report())).await;
        let home = scanhost_it::server::Home::new(&[("scanners.yaml", &scanners(&scanner.url(), auth))]);
        let lab = Lab::on(scanner, home);
        let status = lab.scanned([]).await;
        assert_eq!(
            (&status["status"], &status["error"]["code"]),
            (&json!("failed"), &json!("scanner_login")),
            "{auth}"
        );
        assert!(status["error"]["message"].as_str().is_some_and(|text| text.contains("`auth`")), "{status}");
        assert_eq!(lab.scanner.records().done.of(Operation::Create), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_with_quotes_reaches_the_scanner_as_it_is() {
    let login = Login { username: "operator".to_owned(), password: r#"pa"ss\{username}é"#.to_owned() };
    let scanner = fake_nessus::FakeNessus::start(Settings { login: Some(login), ..instant(lab_report()) }).await;
    let auth = r#"{username: operator, password: 'pa"ss\{username}é'}"#;
    let home = scanhost_it::server::Home::new(&[("scanners.yaml", &scanners(&scanner.url(), auth))]);
    let lab = Lab::on(scanner, home);
    let status = lab.scanned([]).await;
    assert_eq!(status["status"], "completed", "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn findings_are_what_the_report_says() {
    let lab = Lab::new(instant(lab_report())).await;
    let status = lab.scanned([]).await;
    let id = task_id(&status);
    // What is filtered for, and one field of the only finding that matches.
    for (filters, field, expected) in [
        (json!({ "cve": "=CVE-2023-30001" }), "cve", json!(["CVE-2024-10001", "CVE-2024-20001", "CVE-2023-30001"])),
        (json!({ "cve": "=CVE-2023-30002" }), "plugin_name", json!("OpenSSL < 3.0.14 Multiple Vulnerabilities")),
        (
            json!({ "plugin_output": "<b>Apache/2.4.57 & OpenSSL/3.0.3</b>" }),
            "plugin_output",
            json!(
                "Banner            : <b>Apache/2.4.57 & OpenSSL/3.0.3</b>\n  Reported version  : 3.0.3\n  \
                 Fixed version     : 3.0.14"
            ),
        ),
        (
            json!({ "plugin_id": 201_002, "host": "10.20.0.12" }),
            "plugin_output",
            json!("Login banner :\n\n\u{1b}[1mWelcome\u{1b}[0m to host 2\u{7}\u{b}\n\tuid=1002(test)"),
        ),
        (json!({ "compliance-check-name": "5.2.4" }), "compliance-result", json!("FAILED")),
        (
            json!({ "bid": "10377" }),
            "see_also",
            json!(["https://www.openssl.example/news/secadv/1.txt", "https://www.openssl.example/news/secadv/2.txt"]),
        ),
        (json!({ "plugin_id": 201_001, "host": "edge-switch" }), "host_ip", json!("10.20.0.14")),
    ] {
        let asked = json!({ "task_id": id, "filters": filters, "custom_fields": [field] });
        let lines = lab.mcp.results(asked).await;
        let found: Vec<&Value> = lines.iter().filter(|line| line["type"] == "vulnerability").collect();
        assert_eq!(found.len(), 1, "{filters}: {found:?}");
        assert_eq!(found[0][field], expected, "{filters}");
    }
}
