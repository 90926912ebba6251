use super::*;
use crate::answer;

#[test]
fn a_scan_that_ended_is_stopped() {
    for status in
        ["completed", "imported", "canceled", "stopped", "aborted", "stopping", "canceling", "publishing", "empty"]
    {
        assert_eq!(when_refused(Phase::of(status)), Ok(()), "{status}");
    }
}

#[test]
fn a_scan_that_still_works_is_tried_again() {
    for status in ["pending", "initializing", "resuming", "running", "a new word"] {
        assert!(matches!(when_refused(Phase::of(status)), Err(ScanError::Unavailable(_))), "{status}");
    }
}

#[test]
fn other_answers_mean_what_they_say() {
    assert_eq!(told(answer(200, "")), Ok(()));
    assert!(matches!(told(answer(404, "")), Err(ScanError::NotFound(_))));
    assert!(matches!(told(answer(412, "")), Err(ScanError::Unsupported(_))));
}
