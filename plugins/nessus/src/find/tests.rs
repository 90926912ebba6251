use super::*;
use crate::answer;

fn check(body: &str, expected: Option<&str>) {
    let found = scan_of(marked(answer(200, body), "i").unwrap(), "A").map(|id| id.to_string());
    assert_eq!(found.as_deref(), expected, "{body}");
}

#[test]
fn a_scan_is_found_by_its_marker() {
    let others = r#"{"scans":[{"id":1,"name":"x [scanhost i B]"},{"id":2,"name":"x [scanhost i A]","folder_id":3}]}"#;
    check(others, Some("2"));
    check(r#"{"scans":[{"id":1,"name":"[scanhost i A] by an agent [scanhost i B]"}]}"#, None);
    check(r#"{"scans":[{"id":1,"name":"[scanhost j A]"}]}"#, None);
    check(r#"{"scans":[{"id":9,"name":"[scanhost i A]"},{"id":4,"name":"[scanhost i A]"}]}"#, Some("4"));
}

#[test]
fn trash_does_not_count() {
    check(r#"{"scans":[{"id":2,"name":"x [scanhost i A]","folder_id":2}]}"#, None);
    check(r#"{"scans":[{"id":2,"name":"x [scanhost i A]","folder_id":null}]}"#, Some("2"));
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
        assert!(marked(answer(status, body), "i").is_err(), "{body}");
    }
}

#[test]
fn what_is_listed_says_where_it_stands() {
    for (status, expected) in [
        (r#""empty""#, Phase::Empty),
        (r#""running""#, Phase::Working),
        (r#""completed""#, Phase::Completed),
        ("null", Phase::Unknown),
    ] {
        let body = format!(r#"{{"scans":[{{"id":3,"name":"[scanhost i A]","status":{status}}}]}}"#);
        let marked = marked(answer(200, &body), "i").unwrap();
        assert_eq!(marked.into_iter().map(|scan| scan.phase).collect::<Vec<_>>(), [expected], "{status}");
    }
}
