use super::*;
use crate::answer;

#[test]
fn a_launch_is_remembered() {
    let state = launched(answer(200, r#"{"scan_uuid":"c1d2"}"#)).unwrap();
    assert_eq!(Memory::read(&state), Memory { launched: true });
}

#[test]
fn a_scan_that_runs_already_is_told_apart() {
    assert_eq!(launched(answer(409, "")), Err(ScanError::AlreadyRunning));
    assert!(matches!(launched(answer(404, "")), Err(ScanError::NotFound(_))));
    assert!(matches!(launched(answer(412, "")), Err(ScanError::Unsupported(_))));
}
