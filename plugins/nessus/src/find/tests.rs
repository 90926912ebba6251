use super::*;
use crate::answer;

fn check(body: &str, expected: Option<&str>) {
    let found = scan_of(answer(200, body), "A").unwrap().map(|id| id.to_string());
    assert_eq!(found.as_deref(), expected, "{body}");
}

#[test]
fn a_scan_is_found_by_its_marker() {
    check(r#"{"scans":[{"id":1,"name":"x [scanhost B]"},{"id":2,"name":"x [scanhost A]","folder_id":3}]}"#, Some("2"));
    check(r#"{"scans":[{"id":1,"name":"[scanhost A] by an agent [scanhost B]"}]}"#, None);
    check(r#"{"scans":[{"id":9,"name":"[scanhost A]"},{"id":4,"name":"[scanhost A]"}]}"#, Some("4"));
}

#[test]
fn trash_does_not_count() {
    check(r#"{"scans":[{"id":2,"name":"x [scanhost A]","folder_id":2}]}"#, None);
    check(r#"{"scans":[{"id":2,"name":"x [scanhost A]","folder_id":null}]}"#, Some("2"));
}

#[test]
fn empty_lists_have_many_forms() {
    for body in [r#"{"scans":null,"timestamp":1}"#, r#"{"scans":[]}"#, "{}", r#"{"scans":[{"id":1,"name":null}]}"#] {
        check(body, None);
    }
}

#[test]
fn a_list_that_cannot_be_read_is_no_empty_list() {
    for (status, body) in [(200, r#"{"scans":[{"#), (200, ""), (500, r#"{"scans":[]}"#)] {
        assert!(scan_of(answer(status, body), "A").is_err(), "{body}");
    }
}
