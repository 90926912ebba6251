use super::*;
use crate::answer;

#[test]
fn started_export_has_a_file_and_an_optional_token() {
    for (body, file, token) in [
        (r#"{"file":12,"token":"ab12"}"#, 12, Some("ab12")),
        (r#"{"file":"12","token":null}"#, 12, None),
        (r#"{"file":12}"#, 12, None),
        (r#"{"file":12,"token":"../scans"}"#, 12, None),
    ] {
        let expected = StartedExport { file, token: token.map(str::to_owned) };
        assert_eq!(read_started(answer(200, body)).unwrap(), expected, "{body}");
    }
    for body in ["{}", r#"{"file":null}"#, r#"{"file":"../1"}"#, ""] {
        assert!(matches!(read_started(answer(200, body)), Err(ScanError::Internal(_))), "{body}");
    }
    let Err(ScanError::NotFound(text)) = read_started(answer(404, "")) else { panic!("404") };
    assert!(text.contains("no results"), "{text}");
}

#[test]
fn file_is_loading_until_it_is_ready_failed_or_gone() {
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
fn download_is_complete_gone_or_tried_again() {
    let outcome = |status, written| outcome(Download { answer: answer(status, ""), written });
    assert_eq!(outcome(200, 9).unwrap(), Outcome::Complete);
    assert_eq!(outcome(404, 0).unwrap(), Outcome::Gone);
    assert!(matches!(outcome(200, 0), Err(ScanError::Unavailable(_))));
    assert!(matches!(outcome(500, 0), Err(ScanError::Unavailable(_))));
    assert!(matches!(outcome(401, 0), Err(ScanError::Unauthorized(_))));
}
