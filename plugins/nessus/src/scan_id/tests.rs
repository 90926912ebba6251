use super::*;

#[test]
fn only_whole_numbers_are_ids() {
    for text in ["0", "5", "18446744073709551615"] {
        assert_eq!(ScanId::parse(text).unwrap().to_string(), text);
    }
    for text in
        ["", "+5", "-5", "5 ", "5/../6", "18446744073709551616", "ad629e16-03b6-8c1d-cef6-ef8c9dd3c658d24bd260ef5f9e66"]
    {
        assert!(matches!(ScanId::parse(text), Err(ScanError::Invalid(_))), "{text}");
    }
}

#[test]
fn path_begins_with_the_scan() {
    assert_eq!(ScanId::parse("007").unwrap().path("/launch"), "/scans/7/launch");
}
