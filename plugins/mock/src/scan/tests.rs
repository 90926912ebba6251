use super::*;

const START: u64 = 1_700_000_000_000;

fn request(targets: &[&str]) -> ScanRequest {
    ScanRequest {
        task_id: "01T".to_owned(),
        name: "weekly".to_owned(),
        description: String::new(),
        scan_type: ScanType::Untrusted,
        targets: targets.iter().map(|target| (*target).to_owned()).collect(),
        credential: None,
    }
}

fn created(options: &str) -> Scan {
    Scan::create(Options::parse(options).unwrap(), request(&["10.0.0.1"])).unwrap()
}

fn check_remote_state(options: &str, elapsed_ms: u64, expected: &str) {
    let scan = created(options).launch(START).unwrap();
    assert_eq!(format!("{:?}", scan.remote_state(START + elapsed_ms)), expected, "{options} after {elapsed_ms} ms");
}

#[test]
fn progress_is_the_elapsed_part_of_the_duration() {
    check_remote_state("{}", 0, "RemoteState::Running(0)");
    check_remote_state("{}", 2_500, "RemoteState::Running(50)");
    check_remote_state("{}", 4_999, "RemoteState::Running(99)");
    check_remote_state("{}", 5_000, "RemoteState::Completed");
    check_remote_state(r#"{"duration_seconds": 0}"#, 0, "RemoteState::Completed");
    check_remote_state(r#"{"duration_seconds": 1e300}"#, u64::MAX - START, "RemoteState::Running(99)");
    check_remote_state(r#"{"fail_at": "status"}"#, 100, "RemoteState::Running(2)");
    check_remote_state(r#"{"fail_at": "status"}"#, 5_000, r#"RemoteState::Failed("the option fail_at is status")"#);
}

#[test]
fn progress_is_zero_if_the_clock_went_back() {
    assert!(matches!(created("{}").launch(START).unwrap().remote_state(START - 1), RemoteState::Running(0)));
}

#[test]
fn scan_is_created_until_its_only_launch() {
    let scan = created("{}");
    assert!(matches!(scan.remote_state(START), RemoteState::Created));
    let scan = scan.launch(START).unwrap();
    assert!(matches!(scan.launch(START + 1), Err(ScanError::AlreadyRunning)));
}

#[test]
fn same_task_has_the_same_scan_and_state() {
    let [first, second] = [created("{}"), created("{}")].map(|scan| scan.into_remote().unwrap());
    assert_eq!((first.id.as_str(), &first.state), ("mock-01T", &second.state));
    assert_eq!(Scan::load(&first.state, &first.id).unwrap(), created("{}"));
    assert!(matches!(Scan::load(&first.state, "mock-02T"), Err(ScanError::NotFound(_))));
    assert!(matches!(Scan::load(b"", "mock-01T"), Err(ScanError::NotFound(_))));
}

#[test]
fn step_of_option_fail_at_always_fails() {
    let options = |step: &str| Options::parse(&format!(r#"{{"fail_at": "{step}"}}"#)).unwrap();
    let create = Scan::create(options("create"), request(&["10.0.0.1"]));
    assert!(matches!(create, Err(ScanError::Invalid(_))));
    let launch = Scan::create(options("launch"), request(&["10.0.0.1"])).unwrap().launch(START);
    assert!(matches!(launch, Err(ScanError::Invalid(_))));
    assert!(created(r#"{"fail_at": "export"}"#).fail_if_configured(FailAt::Export).is_err());
    assert!(created("{}").fail_if_configured(FailAt::Export).is_ok());
}

#[test]
fn state_keeps_a_limited_number_of_targets() {
    let names: Vec<String> = (0..2_000).map(|number| format!("{number}.{}.example", "long".repeat(12))).collect();
    let mut many = request(&[]);
    many.targets = names;
    let few = Scan::create(Options::default(), many.clone()).unwrap();
    assert_eq!(few.targets.len(), 3);
    let options = Options::parse(r#"{"hosts": 2000}"#).unwrap();
    assert!(matches!(Scan::create(options, many), Err(ScanError::Invalid(_))));
}

#[test]
fn authentication_of_a_scan_with_a_login_is_the_option_auth() {
    let check = |scan_type, auth: &str, expected| {
        let options = Options::parse(&format!(r#"{{"auth": "{auth}"}}"#)).unwrap();
        let scan = Scan::create(options, ScanRequest { scan_type, ..request(&["a"]) }).unwrap();
        assert_eq!(scan.authentication, expected, "{scan_type:?} {auth}");
    };
    check(ScanType::Untrusted, "failed", Authentication::NotApplicable);
    check(ScanType::Trusted, "success", Authentication::Success);
    check(ScanType::Trusted, "failed", Authentication::Failed);
    check(ScanType::Privileged, "partial", Authentication::Partial);
    check(ScanType::Privileged, "unknown", Authentication::Unknown);
}
