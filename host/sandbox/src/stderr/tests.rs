use super::*;

#[test]
fn last_complete_lines_are_kept() {
    let long = "a".repeat(KEPT);
    for (written, expected) in [
        (vec![], None),
        (vec!["", "\n", "  \n"], None),
        (vec!["panicked at\n", "it went ", "wrong\n"], Some("panicked at\nit went wrong".to_owned())),
        // The oldest text goes first, and the rest of a cut line is dropped.
        (vec!["first\n", &long[2..], "\n", "last"], Some("last".to_owned())),
        (vec!["first\n", &long, &long, "b"], Some(long[1..].to_owned() + "b")),
        (vec!["first\n", &long, "b\n"], Some(long[2..].to_owned() + "b")),
    ] {
        let stderr = Stderr::default();
        written.iter().for_each(|part| stderr.push(part.as_bytes()));
        assert_eq!(stderr.last_lines(), expected, "{}", written.len());
        assert!(stderr.lock().bytes.len() <= KEPT);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_replaced() {
    let stderr = Stderr::default();
    stderr.push(b"\xffone\n");
    assert_eq!(stderr.last_lines().as_deref(), Some("\u{fffd}one"));
}
