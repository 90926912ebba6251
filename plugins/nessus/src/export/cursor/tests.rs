use super::*;

fn cursor(token: Option<&str>) -> Cursor {
    Cursor::first(StartedExport { file: 12, token: token.map(str::to_owned) })
}

#[test]
fn only_cursors_of_this_backend_are_parsed() {
    for cursor in [cursor(None), cursor(Some("ab-C_9"))] {
        assert_eq!(Cursor::parse(&cursor.write()).unwrap(), cursor);
    }
    for text in ["", "{}", r#"{"file":12,"token":"../x","attempt":1}"#, r#"{"file":-1,"token":null,"attempt":1}"#] {
        assert!(matches!(Cursor::parse(text), Err(ScanError::Invalid(_))), "{text}");
    }
}

#[test]
fn export_is_started_again_at_most_twice() {
    let mut cursor = cursor(None);
    for file in [13, 14] {
        cursor = cursor.next_attempt().unwrap().with(StartedExport { file, token: None });
    }
    assert!(matches!(cursor.next_attempt(), Err(ScanError::Internal(_))));
}

#[test]
fn path_of_older_versions_comes_second_and_needs_a_token() {
    let id = ScanId::parse("5").unwrap();
    let paths = |cursor: Cursor| cursor.paths(id, "status").collect::<Vec<_>>();
    assert_eq!(paths(cursor(None)), ["/scans/5/export/12/status"]);
    assert_eq!(paths(cursor(Some("t"))), ["/scans/5/export/12/status", "/tokens/t/status"]);
}
