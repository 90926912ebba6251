//! The three scan types from submit to findings, with API keys and with sessions.

use std::time::Duration;

use fake_nessus::{ApiKeys, FakeNessus, Fault, FaultKind, Login, Operation, Settings};
use scanhost_it::{
    scans::wait_for_status,
    scrape::Scrape,
    server::Home,
    testbed::{ScannerLogin, Testbed, four_host_report, instant_scans, nessus_scanners_yaml, task_id},
};
use serde_json::{Value, json};

/// The tool of every scan type, with its arguments beside the usual ones.
fn submit_calls() -> [(&'static str, Value); 3] {
    [
        ("run_untrusted_scan", json!({})),
        ("run_trusted_scan", json!({ "ssh_username": "audit", "ssh_password": "Tr0ub4dor&3-horse" })),
        (
            "run_privileged_scan",
            json!({ "ssh_username": "audit", "ssh_password": "Tr0ub4dor&3-horse", "elevate_privileges_with": "sudo" }),
        ),
    ]
}

async fn check_every_type(testbed: Testbed) {
    for (tool, arguments) in submit_calls() {
        let id = testbed.submit_with(tool, arguments).await;
        let status = testbed.wait_for_end(&id).await;
        assert_eq!(status["status"], "completed", "{tool}: {status}");
        assert_eq!(status["progress"], 100);
        assert_eq!(status["backend"], "nessus");
        assert_eq!(
            status["remote_scan_id"],
            testbed.remote_scan(&id).expect("the scanner keeps the scan").id.to_string()
        );
        let summary = &status["results_summary"];
        assert_eq!(summary["hosts_scanned"], 4, "{status}");
        assert_eq!(summary["total_vulnerabilities"], 40);
        let counts = json!({ "critical": 4, "high": 8, "medium": 4, "low": 4, "info": 20 });
        assert_eq!(summary["severity_counts"], counts);
        let executed = testbed.record(&status).executed;
        assert_eq!(
            (executed.count(Operation::Create), executed.count(Operation::Launch)),
            (1, 1),
            "{tool}: {executed:?}"
        );
        assert!(
            testbed.native_report(&id).await == four_host_report(),
            "{tool}: the report differs from the scanner's"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scan_type_completes_with_api_keys() {
    check_every_type(Testbed::new(instant_scans(four_host_report())).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scan_type_completes_with_sessions_that_expire_often() {
    let settings = Settings { session_requests: Some(3), api_keys: None, ..instant_scans(four_host_report()) };
    let testbed = Testbed::with_login(settings, ScannerLogin::Session, "").await;
    check_every_type(testbed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_is_reused_until_it_expires() {
    let testbed = Testbed::with_login(instant_scans(four_host_report()), ScannerLogin::Session, "").await;
    let status = testbed.run_scan_with_faults([]).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(testbed.scanner.records().executed.count(Operation::Login), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_wait_while_the_scanner_refuses_the_hosts_login_and_complete_once_it_is_corrected() {
    const SCANS: usize = 20;
    for (wrong, right) in [
        ("{access_key: wrong, secret_key: wrong}", None),
        ("{username: operator, password: wrong}", Some(Login::default())),
    ] {
        let settings = instant_scans(four_host_report());
        let right = match right {
            Some(Login { username, password }) => format!("{{username: {username}, password: {password}}}"),
            None => {
                let ApiKeys { access, secret } = settings.api_keys.clone().unwrap_or_default();
                format!("{{access_key: {access}, secret_key: {secret}}}")
            }
        };
        let scanner = FakeNessus::start(settings).await;
        let home = Home::new(&[("scanners.yaml", &nessus_scanners_yaml(&scanner.url(), wrong))]);
        let testbed = Testbed::start_on(scanner, home);
        let mut ids = Vec::new();
        for _ in 0..SCANS {
            ids.push(testbed.submit().await);
        }
        let refused = || async { testbed.mcp.call_ok("list_scanners", json!({})).await["scanners"][0].clone() };
        let mut state = refused().await;
        while state["circuit"] != "open" {
            tokio::time::sleep(Duration::from_millis(20)).await;
            state = refused().await;
        }
        let message = state["message"].as_str().expect("a message");
        assert!(message.contains("login refused") && message.contains("`auth`"), "{message}");
        assert_eq!(state["up"], false);
        let ready = testbed.server.ready().await;
        assert_eq!(ready["status"], "degraded", "{ready}");
        let metrics = Scrape::fetch(&testbed.mcp, testbed.server.url(), "").await;
        let refused = metrics.value(r#"scanhost_scanner_login_refused{instance="lab",pool="nessus"}"#);
        assert_eq!(refused, Some(1.0), "{wrong}");
        for id in &ids {
            let status = testbed.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
            assert!(status["status"] == "queued" || status["status"] == "running", "{status}");
        }
        assert_eq!(testbed.scanner.records().executed.count(Operation::Create), 0);

        testbed.home.write("scanners.yaml", &nessus_scanners_yaml(&testbed.scanner.url(), &right));
        for id in &ids {
            assert_eq!(testbed.wait_for_end(id).await["status"], "completed", "{right}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stray_answers_among_good_ones_fail_no_scan() {
    let settings = Settings { scan_duration: Duration::from_secs(2), ..instant_scans(four_host_report()) };
    let testbed = Testbed::with_short_timeouts(settings, ScannerLogin::ApiKeys, "").await;
    for code in [400, 401, 403, 404, 405] {
        testbed.scanner.set_faults([]);
        let id = testbed.submit().await;
        wait_for_status(&testbed.mcp, &id, "running").await;
        let stray = FaultKind::Status { code: code.try_into().expect("a status") };
        testbed.scanner.set_faults([Fault::next(1, Operation::Status, stray)]);
        let status = testbed.wait_for_end(&id).await;
        assert_eq!(status["status"], "completed", "{code}: {status}");
        let record = testbed.record(&status);
        assert_eq!(
            (record.executed.count(Operation::Launch), record.executed.count(Operation::Stop)),
            (1, 0),
            "{code}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scanner_password_with_quotes_is_sent_unchanged() {
    let login = Login { username: "operator".to_owned(), password: r#"pa"ss\{username}é"#.to_owned() };
    let scanner =
        fake_nessus::FakeNessus::start(Settings { login: Some(login), ..instant_scans(four_host_report()) }).await;
    let auth = r#"{username: operator, password: 'pa"ss\{username}é'}"#;
    let home = scanhost_it::server::Home::new(&[("scanners.yaml", &nessus_scanners_yaml(&scanner.url(), auth))]);
    let testbed = Testbed::start_on(scanner, home);
    let status = testbed.run_scan_with_faults([]).await;
    assert_eq!(status["status"], "completed", "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn findings_equal_the_report() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let status = testbed.run_scan_with_faults([]).await;
    let id = task_id(&status);
    // The columns are the filters, and a field of the only finding that matches them with its value.
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
        let arguments = json!({ "task_id": id, "filters": filters, "custom_fields": [field] });
        let lines = testbed.mcp.results(arguments).await;
        let found: Vec<&Value> = lines.iter().filter(|line| line["type"] == "vulnerability").collect();
        assert_eq!(found.len(), 1, "{filters}: {found:?}");
        assert_eq!(found[0][field], expected, "{filters}");
    }
}
