use super::*;
use crate::answer;

#[test]
fn scan_is_deleted_after_a_refused_move() {
    for status in [200, 204, 400, 403, 404] {
        assert_eq!(after_move(answer(status, "")), Ok(()), "{status}");
    }
}

#[test]
fn scanner_that_is_not_available_is_tried_again() {
    for status in [409, 500, 503] {
        assert!(matches!(after_move(answer(status, "")), Err(ScanError::Unavailable(_))), "{status}");
        assert!(matches!(after_delete(answer(status, "")), Err(ScanError::Unavailable(_))), "{status}");
    }
    assert_eq!(after_move(answer(429, "")), Err(ScanError::RateLimited(None)));
}

#[test]
fn missing_scan_counts_as_removed() {
    assert_eq!(after_delete(answer(200, "")), Ok(()));
    assert_eq!(after_delete(answer(404, "")), Ok(()));
    assert!(matches!(after_delete(answer(403, "")), Err(ScanError::Unauthorized(_))));
}
