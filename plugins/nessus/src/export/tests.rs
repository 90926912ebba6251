use super::*;
use crate::answer;

#[test]
fn an_order_has_a_file_and_perhaps_a_token() {
    for (body, file, token) in [
        (r#"{"file":12,"token":"ab12"}"#, 12, Some("ab12")),
        (r#"{"file":"12","token":null}"#, 12, None),
        (r#"{"file":12}"#, 12, None),
        (r#"{"file":12,"token":"../scans"}"#, 12, None),
    ] {
        assert_eq!(ordered(answer(200, body)).unwrap(), Order { file, token: token.map(str::to_owned) }, "{body}");
    }
    for body in ["{}", r#"{"file":null}"#, r#"{"file":"../1"}"#, ""] {
        assert!(matches!(ordered(answer(200, body)), Err(ScanError::Internal(_))), "{body}");
    }
    let Err(ScanError::NotFound(text)) = ordered(answer(404, "")) else { panic!("404") };
    assert!(text.contains("no results"), "{text}");
}

#[test]
fn the_file_is_waited_for() {
    for (status, body, expected) in [
        (200, r#"{"status":"loading"}"#, FileState::Loading),
        (200, r#"{"status":"a new word"}"#, FileState::Loading),
        (200, r#"{"status":"ready"}"#, FileState::Ready),
        (200, r#"{"status":"error","error":"disk full"}"#, FileState::Failed),
        (404, "", FileState::Gone),
    ] {
        assert_eq!(read_state(answer(status, body)).unwrap(), expected, "{body}");
    }
    assert!(matches!(read_state(answer(503, "")), Err(ScanError::Unavailable(_))));
}

#[test]
fn a_download_is_whole_gone_or_tried_again() {
    let fetched = |status, written| fetched(Download { answer: answer(status, ""), written });
    assert_eq!(fetched(200, 9).unwrap(), Fetched::Whole);
    assert_eq!(fetched(404, 0).unwrap(), Fetched::Gone);
    assert!(matches!(fetched(200, 0), Err(ScanError::Unavailable(_))));
    assert!(matches!(fetched(500, 0), Err(ScanError::Unavailable(_))));
    assert!(matches!(fetched(401, 0), Err(ScanError::Unauthorized(_))));
}
