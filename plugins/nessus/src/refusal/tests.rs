use super::*;
use crate::answer;

#[test]
fn refusal_says_what_to_do() {
    let Err(ScanError::Unauthorized(text)) = accept(answer(401, "{}")) else { panic!("401") };
    assert!(text.contains("`auth`"), "{text}");
    let Err(ScanError::Unauthorized(text)) = accept(answer(403, "{}")) else { panic!("403") };
    assert!(text.contains("role"), "{text}");
    let Err(ScanError::Unsupported(text)) = accept(answer(412, r#"{"error":"API is not available"}"#)) else {
        panic!("412")
    };
    assert!(text.contains("edition") && text.contains("scan_api"), "{text}");
    assert!(!text.contains("not available"), "{text}");
}

#[test]
fn other_statuses_have_their_usual_meaning() {
    assert!(matches!(accept(answer(400, "")), Err(ScanError::Invalid(_))));
    assert!(matches!(accept(answer(404, "")), Err(ScanError::NotFound(_))));
    assert!(matches!(accept(answer(429, "")), Err(ScanError::RateLimited(None))));
    assert!(matches!(accept(answer(502, "")), Err(ScanError::Unavailable(_))));
    assert!(accept(answer(200, "")).is_ok());
}
