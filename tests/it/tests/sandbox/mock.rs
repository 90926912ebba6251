//! The mock backend in the sandbox: every step of a scan that the host drives.

use scanhost_domain::scan::AuthenticationStatus;
use scanhost_it::guests::MOCK;
use scanhost_sandbox::{Backend, ExportStep, RemoteScan, RemoteState, ReportInfo, ScannerError};

use crate::{
    capabilities::{ExportedReport, FindingList, ReportBytes, no_reach},
    test_sandbox::{self, LIMITS, context, new_scan},
};

/// Options that limit the hosts of a scan, of which the targets have five, to two.
const OPTIONS: &str = r#"{"duration_seconds": 10, "hosts": 2, "findings_per_host": 3}"#;

async fn create(mock: &Backend) -> RemoteScan {
    mock.create(no_reach(), context(0, OPTIONS, b""), new_scan()).await.unwrap().unwrap()
}

async fn create_and_launch(mock: &Backend) -> RemoteScan {
    let RemoteScan { id, state } = create(mock).await;
    let state = mock.launch(no_reach(), context(0, OPTIONS, &state), &id).await.unwrap().unwrap();
    RemoteScan { id, state }
}

async fn run_and_export(mock: &Backend) -> Vec<u8> {
    let scan = create_and_launch(mock).await;
    let report = ExportedReport::default();
    let done = context(10, OPTIONS, &scan.state);
    let step = mock.export_report(no_reach(), Box::new(report.clone()), done, &scan.id, None).await;
    assert_eq!(step.unwrap().unwrap(), ExportStep::Done);
    report.bytes()
}

async fn state_after(mock: &Backend, scan: &RemoteScan, seconds: i64) -> RemoteState {
    let status = mock.status(no_reach(), context(seconds, OPTIONS, &scan.state), &scan.id).await;
    status.unwrap().unwrap().state
}

#[tokio::test]
async fn status_follows_the_clock_of_the_host() {
    let mock = test_sandbox::backend(MOCK, LIMITS).await;
    assert_eq!(state_after(&mock, &create(&mock).await, 0).await, RemoteState::Created);
    let scan = create_and_launch(&mock).await;
    assert_eq!(state_after(&mock, &scan, 0).await, RemoteState::Running(0));
    assert_eq!(state_after(&mock, &scan, 4).await, RemoteState::Running(40));
    assert_eq!(state_after(&mock, &scan, 10).await, RemoteState::Completed);
}

#[tokio::test]
async fn created_scan_is_found_by_its_task_id() {
    let mock = test_sandbox::backend(MOCK, LIMITS).await;
    let scan = create(&mock).await;
    let find = async |task: &str| mock.find(no_reach(), context(0, OPTIONS, &scan.state), task).await.unwrap().unwrap();
    assert_eq!(find(&new_scan().task_id).await, Some(scan.clone()));
    assert_eq!(find("01J00000000000000000000001").await, None);
}

#[tokio::test]
async fn second_launch_reports_already_running() {
    let mock = test_sandbox::backend(MOCK, LIMITS).await;
    let scan = create_and_launch(&mock).await;
    let again = mock.launch(no_reach(), context(1, OPTIONS, &scan.state), &scan.id).await.unwrap();
    assert!(matches!(again, Err(ScannerError::AlreadyRunning)), "{again:?}");
}

#[tokio::test]
async fn scan_is_stopped_and_removed() {
    let mock = test_sandbox::backend(MOCK, LIMITS).await;
    let scan = create_and_launch(&mock).await;
    mock.stop(no_reach(), context(1, OPTIONS, &scan.state), &scan.id).await.unwrap().unwrap();
    mock.remove(no_reach(), context(1, OPTIONS, &scan.state), &scan.id).await.unwrap().unwrap();
}

#[tokio::test]
async fn exported_report_can_be_parsed() {
    let mock = test_sandbox::backend(MOCK, LIMITS).await;
    let report = run_and_export(&mock).await;
    let size = report.len() as u64;
    let findings = FindingList::with_limit(100);
    let info = mock.parse(Box::new(ReportBytes(report)), size, Box::new(findings.clone()), None, None).await;
    let expected = ReportInfo {
        name: Some("weekly".into()),
        targets: Some("192.0.2.0/30".into()),
        hosts: 2,
        authentication: AuthenticationStatus::NotApplicable,
        warnings: Vec::new(),
    };
    assert_eq!(info.unwrap().unwrap(), expected);
    let findings = findings.accepted();
    assert_eq!(findings.len(), 6);
    for field in ["host", "plugin_id", "plugin_name", "severity", "port"] {
        assert!(findings.iter().all(|finding| finding.iter().any(|(name, _)| name == field)), "{field}");
    }
}

#[tokio::test]
async fn truncated_report_is_a_parse_error_with_its_offset() {
    let mock = test_sandbox::backend(MOCK, LIMITS).await;
    let mut report = run_and_export(&mock).await;
    report.truncate(report.len() - 20);
    let size = report.len() as u64;
    let info =
        mock.parse(Box::new(ReportBytes(report)), size, Box::new(FindingList::with_limit(100)), None, None).await;
    let failure = info.unwrap().unwrap_err();
    assert_eq!((failure.message.as_str(), failure.offset), ("the line ends in the middle of a JSON value", size));
}

#[tokio::test]
async fn invalid_options_are_named() {
    let mock = test_sandbox::backend(MOCK, LIMITS).await;
    let refused = mock.create(no_reach(), context(0, r#"{"hosts": -1, "colour": 1}"#, b""), new_scan()).await.unwrap();
    let Err(ScannerError::Invalid(problems)) = refused else { panic!("{refused:?}") };
    assert!(problems.contains("options.hosts") && problems.contains("options.colour"), "{problems}");
    let health = mock.health(no_reach(), context(0, r#"{"hosts": -1}"#, b"")).await.unwrap().unwrap();
    assert!(!health.ready && health.message.contains("options.hosts"), "{health:?}");
}
