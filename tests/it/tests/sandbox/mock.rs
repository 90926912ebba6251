//! A whole scan at the boundary, with the mock: every step that the host drives.

use scanhost_domain::scan::AuthenticationStatus;
use scanhost_it::guests::MOCK;
use scanhost_sandbox::{Backend, ExportStep, RemoteScan, RemoteState, ReportInfo, ScannerError};

use crate::{
    loaded::{self, LIMITS, context, new_scan},
    reach::{Bytes, Findings, Report, nothing},
};

/// Five hosts would answer, of which the options take two.
const OPTIONS: &str = r#"{"duration_seconds": 10, "hosts": 2, "findings_per_host": 3}"#;

async fn created(mock: &Backend) -> RemoteScan {
    mock.create(nothing(), context(0, OPTIONS, b""), new_scan()).await.unwrap().unwrap()
}

async fn launched(mock: &Backend) -> RemoteScan {
    let RemoteScan { id, state } = created(mock).await;
    let state = mock.launch(nothing(), context(0, OPTIONS, &state), &id).await.unwrap().unwrap();
    RemoteScan { id, state }
}

async fn exported(mock: &Backend) -> Vec<u8> {
    let scan = launched(mock).await;
    let report = Report::default();
    let done = context(10, OPTIONS, &scan.state);
    let step = mock.export_report(nothing(), Box::new(report.clone()), done, &scan.id, None).await;
    assert_eq!(step.unwrap().unwrap(), ExportStep::Done);
    report.bytes()
}

async fn stand(mock: &Backend, scan: &RemoteScan, seconds: i64) -> RemoteState {
    let status = mock.status(nothing(), context(seconds, OPTIONS, &scan.state), &scan.id).await;
    status.unwrap().unwrap().state
}

#[tokio::test]
async fn status_follows_the_time_that_the_host_tells() {
    let mock = loaded::backend(MOCK, LIMITS).await;
    assert_eq!(stand(&mock, &created(&mock).await, 0).await, RemoteState::Created);
    let scan = launched(&mock).await;
    assert_eq!(stand(&mock, &scan, 0).await, RemoteState::Running(0));
    assert_eq!(stand(&mock, &scan, 4).await, RemoteState::Running(40));
    assert_eq!(stand(&mock, &scan, 10).await, RemoteState::Completed);
}

#[tokio::test]
async fn a_created_scan_is_found_by_its_task() {
    let mock = loaded::backend(MOCK, LIMITS).await;
    let scan = created(&mock).await;
    let found = async |task: &str| mock.find(nothing(), context(0, OPTIONS, &scan.state), task).await.unwrap().unwrap();
    assert_eq!(found(&new_scan().task_id).await, Some(scan.clone()));
    assert_eq!(found("01J00000000000000000000001").await, None);
}

#[tokio::test]
async fn launching_twice_is_told() {
    let mock = loaded::backend(MOCK, LIMITS).await;
    let scan = launched(&mock).await;
    let again = mock.launch(nothing(), context(1, OPTIONS, &scan.state), &scan.id).await.unwrap();
    assert!(matches!(again, Err(ScannerError::AlreadyRunning)), "{again:?}");
}

#[tokio::test]
async fn a_scan_is_stopped_and_removed() {
    let mock = loaded::backend(MOCK, LIMITS).await;
    let scan = launched(&mock).await;
    mock.stop(nothing(), context(1, OPTIONS, &scan.state), &scan.id).await.unwrap().unwrap();
    mock.remove(nothing(), context(1, OPTIONS, &scan.state), &scan.id).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_was_exported_is_what_is_parsed() {
    let mock = loaded::backend(MOCK, LIMITS).await;
    let report = exported(&mock).await;
    let size = report.len() as u64;
    let findings = Findings::up_to(100);
    let info = mock.parse(Box::new(Bytes(report)), size, Box::new(findings.clone()), None, None).await;
    let expected = ReportInfo {
        name: Some("weekly".into()),
        targets: Some("192.0.2.0/30".into()),
        hosts: 2,
        authentication: AuthenticationStatus::NotApplicable,
        warnings: Vec::new(),
    };
    assert_eq!(info.unwrap().unwrap(), expected);
    let findings = findings.taken();
    assert_eq!(findings.len(), 6);
    for field in ["host", "plugin_id", "plugin_name", "severity", "port"] {
        assert!(findings.iter().all(|finding| finding.iter().any(|(name, _)| name == field)), "{field}");
    }
}

#[tokio::test]
async fn a_cut_report_is_a_parse_failure_with_its_place() {
    let mock = loaded::backend(MOCK, LIMITS).await;
    let mut report = exported(&mock).await;
    report.truncate(report.len() - 20);
    let size = report.len() as u64;
    let info = mock.parse(Box::new(Bytes(report)), size, Box::new(Findings::up_to(100)), None, None).await;
    let failure = info.unwrap().unwrap_err();
    assert_eq!((failure.message.as_str(), failure.offset), ("the line ends in the middle of a JSON value", size));
}

#[tokio::test]
async fn wrong_options_are_named() {
    let mock = loaded::backend(MOCK, LIMITS).await;
    let refused = mock.create(nothing(), context(0, r#"{"hosts": -1, "colour": 1}"#, b""), new_scan()).await.unwrap();
    let Err(ScannerError::Invalid(problems)) = refused else { panic!("{refused:?}") };
    assert!(problems.contains("options.hosts") && problems.contains("options.colour"), "{problems}");
    let health = mock.health(nothing(), context(0, r#"{"hosts": -1}"#, b"")).await.unwrap().unwrap();
    assert!(!health.ready && health.message.contains("options.hosts"), "{health:?}");
}
