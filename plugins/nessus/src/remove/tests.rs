use super::*;
use crate::answer;

#[test]
fn deleting_goes_on_after_a_refused_move() {
    for status in [200, 204, 400, 403, 404] {
        assert_eq!(after_move(answer(status, "")), Ok(()), "{status}");
    }
}

#[test]
fn a_scanner_that_cannot_now_is_asked_later() {
    for status in [409, 500, 503] {
        assert!(matches!(after_move(answer(status, "")), Err(ScanError::Unavailable(_))), "{status}");
        assert!(matches!(after_delete(answer(status, "")), Err(ScanError::Unavailable(_))), "{status}");
    }
    assert_eq!(after_move(answer(429, "")), Err(ScanError::RateLimited(None)));
}

#[test]
fn a_scan_that_is_gone_is_removed() {
    assert_eq!(after_delete(answer(200, "")), Ok(()));
    assert_eq!(after_delete(answer(404, "")), Ok(()));
    assert!(matches!(after_delete(answer(403, "")), Err(ScanError::Unauthorized(_))));
}
