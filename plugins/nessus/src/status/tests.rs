use super::*;
use crate::answer;

const FRESH: SavedState = SavedState { launched: false };
const LAUNCHED: SavedState = SavedState { launched: true };

fn check(body: &str, saved: SavedState, expected: RemoteState) {
    let status = judge(read(answer(200, body)).unwrap(), saved);
    assert_eq!(status.state, expected, "{body}");
    assert_eq!(SavedState::read(&status.next_state).launched, expected != RemoteState::Created, "{body}");
}

#[test]
fn empty_scan_is_created_until_it_was_launched() {
    check(r#"{"info":{"status":"empty"},"hosts":null}"#, FRESH, RemoteState::Created);
    check(r#"{"info":{"status":"empty"},"hosts":[]}"#, LAUNCHED, RemoteState::Running(0));
}

#[test]
fn progress_covers_all_hosts_and_is_below_100_while_running() {
    for (hosts, expected) in [
        (
            r#"[{"scanprogresscurrent":50,"scanprogresstotal":100},{"scanprogresscurrent":0,"scanprogresstotal":100}]"#,
            25,
        ),
        (r#"[{"scanprogresscurrent":100,"scanprogresstotal":100}]"#, 99),
        (
            r#"[{"scanprogresscurrent":900,"scanprogresstotal":100},{"scanprogresstotal":100,"scanprogresscurrent":0}]"#,
            50,
        ),
        (r#"[{"scanprogresscurrent":"30","scanprogresstotal":"100"}]"#, 30),
        (r#"[{"scanprogresscurrent":0,"scanprogresstotal":0}]"#, 0),
        (r#"[{"scanprogresscurrent":null,"hostname":"x"},{"scanprogresscurrent":-1,"scanprogresstotal":{}}]"#, 0),
        (r#"[{"scanprogresscurrent":18446744073709551615,"scanprogresstotal":18446744073709551615}]"#, 99),
        ("null", 0),
    ] {
        let body = format!(r#"{{"info":{{"status":"running","uuid":"u"}},"hosts":{hosts}}}"#);
        check(&body, LAUNCHED, RemoteState::Running(expected));
    }
    check(r#"{"info":{"status":"running","progress":40}}"#, LAUNCHED, RemoteState::Running(40));
}

#[test]
fn each_word_of_the_scanner_is_a_remote_state() {
    for (word, expected) in [
        ("pending", RemoteState::Running(0)),
        ("paused", RemoteState::Running(0)),
        ("publishing", RemoteState::Running(0)),
        ("stopping", RemoteState::Running(0)),
        ("a new word", RemoteState::Running(0)),
        ("completed", RemoteState::Completed),
        ("imported", RemoteState::Completed),
        ("canceled", RemoteState::Failed("the scan was cancelled at the scanner".to_owned())),
        ("stopped", RemoteState::Failed("the scan was stopped at the scanner".to_owned())),
        ("aborted", RemoteState::Failed("the scanner aborted the scan".to_owned())),
    ] {
        check(&format!(r#"{{"info":{{"status":"{word}"}}}}"#), FRESH, expected);
    }
    check(r#"{"info":{"status":null}}"#, FRESH, RemoteState::Running(0));
}

#[test]
fn missing_scan_is_not_found() {
    assert!(matches!(read(answer(404, r#"{"error":"x"}"#)), Err(ScanError::NotFound(_))));
    assert!(matches!(read(answer(200, "[]")), Err(ScanError::Internal(_))));
}
