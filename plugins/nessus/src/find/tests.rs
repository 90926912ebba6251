use super::*;
use crate::answer;

fn check(body: &str, expected: Option<&str>) {
    let scans = marked_scans(answer(200, body), "i").unwrap();
    let found = oldest_scan_of(scans, "A").map(|id| id.to_string());
    assert_eq!(found.as_deref(), expected, "{body}");
}

#[test]
fn oldest_scan_with_the_marker_is_found() {
    let others = r#"{"scans":[{"id":1,"name":"x [scanhost i B]"},{"id":2,"name":"x [scanhost i A]","folder_id":3}]}"#;
    check(others, Some("2"));
    check(r#"{"scans":[{"id":1,"name":"[scanhost i A] by an agent [scanhost i B]"}]}"#, None);
    check(r#"{"scans":[{"id":1,"name":"[scanhost j A]"}]}"#, None);
    check(r#"{"scans":[{"id":9,"name":"[scanhost i A]"},{"id":4,"name":"[scanhost i A]"}]}"#, Some("4"));
}

#[test]
fn scans_in_the_trash_are_ignored() {
    check(r#"{"scans":[{"id":2,"name":"x [scanhost i A]","folder_id":2}]}"#, None);
    check(r#"{"scans":[{"id":2,"name":"x [scanhost i A]","folder_id":null}]}"#, Some("2"));
}

#[test]
fn null_and_missing_lists_are_empty() {
    for body in [r#"{"scans":null,"timestamp":1}"#, r#"{"scans":[]}"#, "{}", r#"{"scans":[{"id":1,"name":null}]}"#] {
        check(body, None);
    }
}

#[test]
fn unreadable_list_is_an_error() {
    for (status, body) in [(200, r#"{"scans":[{"#), (200, ""), (500, r#"{"scans":[]}"#)] {
        assert!(marked_scans(answer(status, body), "i").is_err(), "{body}");
    }
}

#[test]
fn listed_scan_has_its_phase() {
    for (status, expected) in [
        (r#""empty""#, Phase::Empty),
        (r#""running""#, Phase::Working),
        (r#""completed""#, Phase::Completed),
        ("null", Phase::Unknown),
    ] {
        let body = format!(r#"{{"scans":[{{"id":3,"name":"[scanhost i A]","status":{status}}}]}}"#);
        let marked = marked_scans(answer(200, &body), "i").unwrap();
        assert_eq!(marked.into_iter().map(|scan| scan.phase).collect::<Vec<_>>(), [expected], "{status}");
    }
}
