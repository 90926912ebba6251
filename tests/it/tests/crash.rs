//! The server is killed with SIGKILL in each phase of a scan. The next server on the same folder has to complete the
//! scan, and must neither create nor launch it twice.

use std::time::Duration;

use fake_nessus::{FakeNessus, Fault, FaultKind, Operation, Settings};
use scanhost_it::{
    server::{Home, Server},
    testbed::{SCAN_TIMEOUT, Testbed, four_host_report, instant_scans, task_id, wait_until},
};
use serde_json::{Value, json};

/// The phases of a scan in their order, as the log names them.
const PHASES: [&str; 7] = ["claimed", "creating", "created", "launching", "launched", "exporting", "ingesting"];

/// The moment at which the server is killed.
enum KillMoment {
    /// The server has logged that the scan enters this phase. How much of the phase is done by then is left to chance.
    PhaseLogged(&'static str),
    /// The scanner has received this request, and does not answer it.
    RequestReceived(Operation),
}

/// Whether the server has logged that the scan enters one of these phases.
fn has_entered(server: &Server, id: &str, phases: &[&str]) -> bool {
    let log = server.log();
    let mut lines_of_scan = log.lines().filter(|line| line.contains(id));
    lines_of_scan.any(|line| {
        let enters = |phase: &&str| line.contains(&format!("\"phase\":\"{phase}\""));
        phases.iter().any(enters) || phases.contains(&"claimed") && line.contains("\"scan claimed\"")
    })
}

fn hang(operation: Operation) -> Fault {
    Fault::every(1, operation, FaultKind::Hang)
}

fn drop_after(operation: Operation) -> Fault {
    Fault::next(1, operation, FaultKind::DropAfter)
}

async fn assert_completed_once(testbed: &Testbed, id: &str, report: &[u8]) -> Value {
    let status = testbed.wait_for_end(id).await;
    assert_eq!(status["status"], "completed", "{status}");
    let executed = testbed.record(&status).executed;
    assert_eq!((executed.count(Operation::Create), executed.count(Operation::Launch)), (1, 1), "{executed:?}");
    assert_eq!(testbed.scanner.scans().len(), 1, "the scanner has exactly one scan");
    assert!(testbed.native_report(id).await == report, "the report differs from what the scanner sent");
    let lines = testbed.mcp.results(json!({ "task_id": id, "page": 0 })).await;
    let findings = lines.iter().filter(|line| line["type"] == "vulnerability").count();
    assert_eq!(status["results_summary"]["total_vulnerabilities"], findings);
    status
}

async fn check_recovery_on(settings: Settings, faults: &[Fault], moment: KillMoment, report: &[u8]) {
    let testbed = Testbed::new(settings).await;
    testbed.scanner.set_faults(faults.iter().cloned());
    let id = testbed.submit().await;
    match &moment {
        KillMoment::PhaseLogged(phase) => wait_until(phase, || has_entered(&testbed.server, &id, &[phase])).await,
        KillMoment::RequestReceived(operation) => {
            // At its start the host lists the remote scans for its housekeeping and for its check of the login.
            let from_start = if *operation == Operation::List { 2 } else { 0 };
            wait_until("a request", || testbed.scanner.records().received.count(*operation) > from_start).await;
        }
    }
    let testbed = testbed.kill_and_restart(|scanner| scanner.set_faults([]));
    let status = assert_completed_once(&testbed, &id, report).await;
    if let KillMoment::RequestReceived(_) = moment {
        assert!(status["attempts"].as_u64() >= Some(2), "the takeover by the second worker is an attempt: {status}");
    }
}

async fn check_recovery(faults: &[Fault], moment: KillMoment) {
    let settings = Settings { scan_duration: Duration::from_millis(500), ..instant_scans(four_host_report()) };
    check_recovery_on(settings, faults, moment, &four_host_report()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_after_it_was_claimed() {
    check_recovery(&[], KillMoment::PhaseLogged("claimed")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_before_it_is_created() {
    check_recovery(&[hang(Operation::Templates)], KillMoment::RequestReceived(Operation::Templates)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_during_create_before_the_scanner_acted() {
    check_recovery(&[hang(Operation::Create)], KillMoment::RequestReceived(Operation::Create)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_during_create_after_the_scanner_acted() {
    let faults = [drop_after(Operation::Create), hang(Operation::List)];
    check_recovery(&faults, KillMoment::RequestReceived(Operation::List)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_after_it_was_created() {
    check_recovery(&[], KillMoment::PhaseLogged("created")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_before_it_is_launched() {
    check_recovery(&[], KillMoment::PhaseLogged("launching")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_during_launch_before_the_scanner_acted() {
    check_recovery(&[hang(Operation::Launch)], KillMoment::RequestReceived(Operation::Launch)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_during_launch_after_the_scanner_acted() {
    let faults = [drop_after(Operation::Launch), hang(Operation::Status)];
    check_recovery(&faults, KillMoment::RequestReceived(Operation::Status)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_after_it_was_launched() {
    check_recovery(&[], KillMoment::PhaseLogged("launched")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_while_it_runs() {
    check_recovery(&[hang(Operation::Status)], KillMoment::RequestReceived(Operation::Status)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_while_its_export_is_requested() {
    check_recovery(&[hang(Operation::Export)], KillMoment::RequestReceived(Operation::Export)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_while_the_scanner_writes_its_report() {
    check_recovery(&[hang(Operation::ExportStatus)], KillMoment::RequestReceived(Operation::ExportStatus)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_while_its_report_is_downloaded() {
    check_recovery(&[hang(Operation::Download)], KillMoment::RequestReceived(Operation::Download)).await;
}

/// A report so large that the test notices that the server reads it before the server has finished.
fn large_report() -> Vec<u8> {
    let report = String::from_utf8(four_host_report()).expect("the fixture is UTF-8");
    let (head, rest) = report.split_once("<ReportHost").expect("the fixture has hosts");
    let (hosts, end) = rest.split_once("</Report>").expect("the fixture has an end");
    format!("{head}{}</Report>{end}", format!("<ReportHost{hosts}").repeat(100)).into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_a_kill_while_its_report_is_parsed() {
    let report = large_report();
    check_recovery_on(instant_scans(report.clone()), &[], KillMoment::PhaseLogged("ingesting"), &report).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_survives_kills_in_every_phase() {
    let settings = Settings { scan_duration: Duration::from_millis(500), ..instant_scans(four_host_report()) };
    let mut testbed = Testbed::new(settings).await;
    let id = testbed.submit().await;
    for (number, phase) in PHASES.iter().enumerate() {
        // The scan may have passed this phase before the last kill, so a later phase counts, too.
        let has_ended =
            |server: &Server| server.log().lines().any(|line| line.contains(&id) && line.contains("scan ended"));
        wait_until(phase, || has_entered(&testbed.server, &id, &PHASES[number..]) || has_ended(&testbed.server)).await;
        testbed = testbed.kill_and_restart(|_| {});
        if testbed.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await["status"] != "running" {
            break;
        }
    }
    assert_completed_once(&testbed, &id, &four_host_report()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancellation_survives_a_kill() {
    let settings = Settings { scan_duration: Duration::from_secs(3600), ..instant_scans(four_host_report()) };
    let testbed = Testbed::new(settings).await;
    let id = testbed.submit().await;
    wait_until("the launch", || testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    testbed.scanner.set_faults([hang(Operation::Stop)]);
    testbed.mcp.call_ok("cancel_scan", json!({ "task_id": id })).await;
    wait_until("the stop", || testbed.scanner.records().received.count(Operation::Stop) > 0).await;
    let testbed = testbed.kill_and_restart(|scanner| scanner.set_faults([]));
    let status = testbed.wait_for_end(&id).await;
    assert_eq!(status["status"], "cancelled", "{status}");
    assert_eq!(testbed.record(&status).executed.count(Operation::Stop), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn login_from_the_sealed_request_survives_a_kill() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    testbed.scanner.set_faults([hang(Operation::Create)]);
    let login = json!({ "ssh_username": "audit", "ssh_password": "sealed-password" });
    let id = testbed.submit_with("run_trusted_scan", login).await;
    wait_until("the create", || testbed.scanner.records().received.count(Operation::Create) > 0).await;
    let testbed = testbed.kill_and_restart(|scanner| scanner.set_faults([]));
    let status = assert_completed_once(&testbed, &id, &four_host_report()).await;
    let creates = testbed.record(&status).creates;
    let last = creates.last().expect("there was a create");
    assert_eq!(last["credentials"]["add"]["Host"]["SSH"][0]["password"], "sealed-password");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_submits_survive_a_kill() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(testbed.submit().await);
    }
    let testbed = testbed.kill_and_restart(|_: &FakeNessus| {});
    for id in &ids {
        assert_eq!(testbed.wait_for_end(id).await["status"], "completed");
        let executed = testbed.scanner.records().record(id).executed;
        assert_eq!((executed.count(Operation::Create), executed.count(Operation::Launch)), (1, 1), "{executed:?}");
    }
    assert_eq!(testbed.scanner.scans().len(), ids.len());
}

const MOCK: &str = "mock: [{instance_id: mock1, max_concurrent_scans: 2, options: {duration_seconds: 0.5}}]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mock_scans_survive_a_kill_in_every_phase() {
    for phase in PHASES {
        let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", scanhost_it::testbed::FAST_POLLING)]);
        let server = home.start();
        let mut ids = Vec::new();
        // The scanner runs two scans at a time, so the third one waits.
        for _ in 0..3 {
            let arguments = json!({ "targets": "10.0.0.0/29", "name": "mock" });
            ids.push(task_id(&server.mcp().call_ok("run_untrusted_scan", arguments).await).to_owned());
        }
        wait_until(phase, || has_entered(&server, &ids[0], &[phase])).await;
        server.kill();
        let server = home.start();
        for id in &ids {
            let status = server.mcp().wait_for_end(id, SCAN_TIMEOUT).await;
            assert_eq!(status["status"], "completed", "killed in phase {phase}: {status}");
            assert_eq!(status["results_summary"]["total_vulnerabilities"], 60, "{status}");
        }
    }
}
