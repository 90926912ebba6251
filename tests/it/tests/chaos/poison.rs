//! What counts against a scan when its host dies: only a death while the host worked on that very scan.

use std::time::Duration;

use fake_nessus::{Fault, FaultKind, FaultTiming, Operation};
use scanhost_it::{
    output::Output,
    server::Server,
    testbed::{ScannerLogin, Testbed, four_host_report, instant_scans},
};
use serde_json::json;

/// Deaths after which a scan is given up.
const MAX_CRASHES: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_whose_report_kills_the_host_is_given_up_and_its_retry_reads_the_same_remote_scan() {
    let testbed = Testbed::with_login(instant_scans(four_host_report()), ScannerLogin::ApiKeys, "").await;
    testbed.scanner.set_faults([Fault::every(1, Operation::Export, FaultKind::Hang)]);
    let id = testbed.submit().await;
    let Testbed { scanner, home, server, .. } = testbed;
    server.kill();
    scanner.set_faults([]);
    for _ in 0..MAX_CRASHES {
        let mut command = home.serve_command();
        command.env("SCANHOST_CRASH_AT", "scanner.parse.before");
        match Server::try_start(command) {
            Ok(server) => assert!(server.wait_for_whole_log().contains("crash point scanner.parse.before")),
            Err(log) => assert!(log.contains("crash point scanner.parse.before"), "{log}"),
        }
    }
    let testbed = Testbed::start_on(scanner, home);
    let status = testbed.wait_for_end(&id).await;
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("failed"), &json!("poison")), "{status}");
    assert!(status["remote_scan_id"].is_string(), "{status}");
    assert_eq!(testbed.run_scan_with_faults([]).await["status"], "completed", "another scan is not affected");

    let mut retry = testbed.home.command(&["dlq", "retry", "--code", "poison", "--json"]);
    retry.arg("--config").arg(testbed.home.config());
    let retry = Output::run(retry);
    assert_eq!(retry.code, Some(0), "{}", retry.stderr);
    let retry: serde_json::Value = serde_json::from_str(&retry.stdout).expect("JSON");
    let again = retry["retried"][0]["task_id"].as_str().expect("a task id").to_owned();
    let status = testbed.wait_for_end(&again).await;
    assert_eq!((&status["status"], &status["retry_of"]), (&json!("completed"), &json!(id)), "{status}");
    let launches = testbed.scanner.records().executed.count(Operation::Launch);
    assert_eq!(launches, 2, "the retry scans nothing again");
}

/// Ends the host again and again while every call to the scanner takes this long, every third time with SIGTERM and
/// otherwise with SIGKILL, and checks that all scans complete after that.
async fn check_storm(latency: Duration, ends: u64) {
    const SCANS: usize = 8;
    let mut testbed = Testbed::with_login(instant_scans(four_host_report()), ScannerLogin::ApiKeys, "").await;
    let slow = FaultKind::Latency { by: latency };
    testbed.scanner.set_faults([Fault { operation: None, path: None, kind: slow, when: FaultTiming::Every(1) }]);
    let mut ids = Vec::new();
    for _ in 0..SCANS {
        ids.push(testbed.submit().await);
    }
    for end in 0..ends {
        // The end comes while calls to the scanner are under way.
        tokio::time::sleep(Duration::from_millis(500 + end * 97 % 500)).await;
        testbed = if end % 3 == 2 {
            let Testbed { scanner, home, server, .. } = testbed;
            assert_eq!(server.terminate(), Some(0));
            Testbed::start_on(scanner, home)
        } else {
            testbed.kill_and_restart(|_| {})
        };
    }
    testbed.scanner.set_faults([]);
    for id in &ids {
        let status = testbed.wait_for_end(id).await;
        assert_eq!(status["status"], "completed", "{status}");
        assert_eq!(testbed.record(&status).executed.count(Operation::Launch), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_in_a_row_fail_no_scan_of_a_fast_scanner() {
    check_storm(Duration::from_millis(5), 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_in_a_row_fail_no_scan_of_a_slow_scanner() {
    check_storm(Duration::from_millis(1_500), 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_in_a_row_fail_no_scan_of_a_scanner_that_hardly_answers() {
    check_storm(Duration::from_secs(20), 30).await;
}
