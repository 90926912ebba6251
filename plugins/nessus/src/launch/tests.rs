use super::*;
use crate::answer;

#[test]
fn launch_is_saved_in_the_state() {
    let state = read_launched(answer(200, r#"{"scan_uuid":"c1d2"}"#)).unwrap();
    assert_eq!(SavedState::read(&state), SavedState { launched: true });
}

#[test]
fn each_refusal_has_its_own_error() {
    assert_eq!(read_launched(answer(409, "")), Err(ScanError::AlreadyRunning));
    assert!(matches!(read_launched(answer(404, "")), Err(ScanError::NotFound(_))));
    assert!(matches!(read_launched(answer(412, "")), Err(ScanError::Unsupported(_))));
}
