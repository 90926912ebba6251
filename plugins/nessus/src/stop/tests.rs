use super::*;
use crate::answer;

#[test]
fn scan_that_ended_counts_as_stopped() {
    for status in
        ["completed", "imported", "canceled", "stopped", "aborted", "stopping", "canceling", "publishing", "empty"]
    {
        assert_eq!(after_refusal(Phase::of(status)), Ok(()), "{status}");
    }
}

#[test]
fn stop_of_a_running_scan_is_tried_again() {
    for status in ["pending", "initializing", "resuming", "running", "a new word"] {
        assert!(matches!(after_refusal(Phase::of(status)), Err(ScanError::Unavailable(_))), "{status}");
    }
}

#[test]
fn other_answers_have_their_usual_meaning() {
    assert_eq!(accept(answer(200, "")), Ok(()));
    assert!(matches!(accept(answer(404, "")), Err(ScanError::NotFound(_))));
    assert!(matches!(accept(answer(412, "")), Err(ScanError::Unsupported(_))));
}
