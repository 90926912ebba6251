//! SIGKILL of the server in each phase of a scan: whoever starts next on the same folder completes it, and neither
//! creates nor launches it twice.

use std::time::Duration;

use fake_nessus::{FakeNessus, Fault, Kind, Operation, Settings};
use scanhost_it::{
    lab::{Lab, SCAN_TIME, instant, lab_report, task_id, wait_until},
    server::{Home, Server},
};
use serde_json::{Value, json};

/// The phases in their order, as the log names them.
const PHASES: [&str; 7] = ["claimed", "creating", "created", "launching", "launched", "exporting", "ingesting"];

/// When the server is killed.
enum Moment {
    /// As soon as it says that the scan enters this phase. What of the phase is done by then is left to chance.
    Enters(&'static str),
    /// When the scanner was asked for this; the scanner does not answer any more.
    Asks(Operation),
}

/// Whether the server has logged that the scan enters one of these phases.
fn has_entered(server: &Server, id: &str, phases: &[&str]) -> bool {
    let log = server.log();
    let mut of_scan = log.lines().filter(|line| line.contains(id));
    of_scan.any(|line| {
        let is_of = |phase: &&str| line.contains(&format!("\"phase\":\"{phase}\""));
        phases.iter().any(is_of) || phases.contains(&"claimed") && line.contains("\"scan claimed\"")
    })
}

fn hang(operation: Operation) -> Fault {
    Fault::every(1, operation, Kind::Hang)
}

fn drop_after(operation: Operation) -> Fault {
    Fault::next(1, operation, Kind::DropAfter)
}

async fn assert_completed_once(lab: &Lab, id: &str, report: &[u8]) -> Value {
    let status = lab.ended(id).await;
    assert_eq!(status["status"], "completed", "{status}");
    let done = lab.record(&status).done;
    assert_eq!((done.of(Operation::Create), done.of(Operation::Launch)), (1, 1), "{done:?}");
    assert_eq!(lab.scanner.scans().len(), 1, "the scanner has one scan");
    assert!(lab.native_report(id).await == report, "the report differs from what the scanner sent");
    let lines = lab.mcp.results(json!({ "task_id": id, "page": 0 })).await;
    let findings = lines.iter().filter(|line| line["type"] == "vulnerability").count();
    assert_eq!(status["results_summary"]["total_vulnerabilities"], findings);
    status
}

async fn check_killed_on(settings: Settings, faults: &[Fault], moment: Moment, report: &[u8]) {
    let lab = Lab::new(settings).await;
    lab.scanner.set_faults(faults.iter().cloned());
    let id = lab.submitted().await;
    match &moment {
        Moment::Enters(phase) => wait_until(phase, || has_entered(&lab.server, &id, &[phase])).await,
        Moment::Asks(operation) => {
            // The housekeeping lists the scans as well, once when the host starts.
            let others = u64::from(*operation == Operation::List);
            wait_until("a request", || lab.scanner.records().asked.of(*operation) > others).await;
        }
    }
    let lab = lab.killed(|scanner| scanner.set_faults([]));
    let status = assert_completed_once(&lab, &id, report).await;
    if let Moment::Asks(_) = moment {
        assert!(status["attempts"].as_u64() >= Some(2), "the second worker counts as an attempt: {status}");
    }
}

async fn check_killed(faults: &[Fault], moment: Moment) {
    let settings = Settings { scan_duration: Duration::from_millis(500), ..instant(lab_report()) };
    check_killed_on(settings, faults, moment, &lab_report()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_it_was_claimed() {
    check_killed(&[], Moment::Enters("claimed")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_it_is_created() {
    check_killed(&[hang(Operation::Templates)], Moment::Asks(Operation::Templates)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_created_and_the_scanner_did_nothing() {
    check_killed(&[hang(Operation::Create)], Moment::Asks(Operation::Create)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_created_and_the_scanner_has_made_it() {
    let faults = [drop_after(Operation::Create), hang(Operation::List)];
    check_killed(&faults, Moment::Asks(Operation::List)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_it_was_created() {
    check_killed(&[], Moment::Enters("created")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_its_launch_was_announced() {
    check_killed(&[], Moment::Enters("launching")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_launched_and_the_scanner_did_nothing() {
    check_killed(&[hang(Operation::Launch)], Moment::Asks(Operation::Launch)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_launched_and_the_scanner_has_started_it() {
    let faults = [drop_after(Operation::Launch), hang(Operation::Status)];
    check_killed(&faults, Moment::Asks(Operation::Status)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_it_was_launched() {
    check_killed(&[], Moment::Enters("launched")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_runs() {
    check_killed(&[hang(Operation::Status)], Moment::Asks(Operation::Status)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_its_report_is_ordered() {
    check_killed(&[hang(Operation::Export)], Moment::Asks(Operation::Export)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_its_report_is_written_by_the_scanner() {
    check_killed(&[hang(Operation::ExportStatus)], Moment::Asks(Operation::ExportStatus)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_its_report_is_downloaded() {
    check_killed(&[hang(Operation::Download)], Moment::Asks(Operation::Download)).await;
}

/// Large enough that reading it takes longer than noticing that it began.
fn large_report() -> Vec<u8> {
    let report = String::from_utf8(lab_report()).expect("the fixture is UTF-8");
    let (head, rest) = report.split_once("<ReportHost").expect("the fixture has hosts");
    let (hosts, end) = rest.split_once("</Report>").expect("the fixture has an end");
    format!("{head}{}</Report>{end}", format!("<ReportHost{hosts}").repeat(100)).into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_its_report_is_read() {
    let report = large_report();
    check_killed_on(instant(report.clone()), &[], Moment::Enters("ingesting"), &report).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_every_phase_of_the_same_scan() {
    let settings = Settings { scan_duration: Duration::from_millis(500), ..instant(lab_report()) };
    let mut lab = Lab::new(settings).await;
    let id = lab.submitted().await;
    for (number, phase) in PHASES.iter().enumerate() {
        // The kill before may have come after this phase: then any later one will do.
        let has_ended =
            |server: &Server| server.log().lines().any(|line| line.contains(&id) && line.contains("scan ended"));
        wait_until(phase, || has_entered(&lab.server, &id, &PHASES[number..]) || has_ended(&lab.server)).await;
        lab = lab.killed(|_| {});
        if lab.mcp.ok("get_scan_status", json!({ "task_id": id })).await["status"] != "running" {
            break;
        }
    }
    assert_completed_once(&lab, &id, &lab_report()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_cancelled_and_it_still_is() {
    let settings = Settings { scan_duration: Duration::from_secs(3600), ..instant(lab_report()) };
    let lab = Lab::new(settings).await;
    let id = lab.submitted().await;
    wait_until("the launch", || lab.scanner.records().done.of(Operation::Launch) == 1).await;
    lab.scanner.set_faults([hang(Operation::Stop)]);
    lab.mcp.ok("cancel_scan", json!({ "task_id": id })).await;
    wait_until("the stop", || lab.scanner.records().asked.of(Operation::Stop) > 0).await;
    let lab = lab.killed(|scanner| scanner.set_faults([]));
    let status = lab.ended(&id).await;
    assert_eq!(status["status"], "cancelled", "{status}");
    assert_eq!(lab.record(&status).done.of(Operation::Stop), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_login_that_only_the_sealed_request_has() {
    let lab = Lab::new(instant(lab_report())).await;
    lab.scanner.set_faults([hang(Operation::Create)]);
    let login = json!({ "ssh_username": "audit", "ssh_password": "sealed-password" });
    let id = lab.submitted_to("run_trusted_scan", login).await;
    wait_until("the create", || lab.scanner.records().asked.of(Operation::Create) > 0).await;
    let lab = lab.killed(|scanner| scanner.set_faults([]));
    let status = assert_completed_once(&lab, &id, &lab_report()).await;
    let creates = lab.record(&status).creates;
    let last = creates.last().expect("there was a create");
    assert_eq!(last["credentials"]["add"]["Host"]["SSH"][0]["password"], "sealed-password");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submit_that_was_answered_is_never_lost() {
    let lab = Lab::new(instant(lab_report())).await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(lab.submitted().await);
    }
    let lab = lab.killed(|_: &FakeNessus| {});
    for id in &ids {
        assert_eq!(lab.ended(id).await["status"], "completed");
        let done = lab.scanner.records().of(id).done;
        assert_eq!((done.of(Operation::Create), done.of(Operation::Launch)), (1, 1), "{done:?}");
    }
    assert_eq!(lab.scanner.scans().len(), ids.len());
}

const MOCK: &str = "mock: [{instance_id: mock1, max_concurrent_scans: 2, options: {duration_seconds: 0.5}}]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_of_the_mock_in_every_phase() {
    for phase in PHASES {
        let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", scanhost_it::lab::POLL)]);
        let server = home.start();
        let mut ids = Vec::new();
        // The third waits for the first two.
        for _ in 0..3 {
            let asked = json!({ "targets": "10.0.0.0/29", "name": "mock" });
            ids.push(task_id(&server.mcp().ok("run_untrusted_scan", asked).await).to_owned());
        }
        wait_until(phase, || has_entered(&server, &ids[0], &[phase])).await;
        server.kill();
        let server = home.start();
        for id in &ids {
            let status = server.mcp().ended(id, SCAN_TIME).await;
            assert_eq!(status["status"], "completed", "killed when {phase}: {status}");
            assert_eq!(status["results_summary"]["total_vulnerabilities"], 60, "{status}");
        }
    }
}
