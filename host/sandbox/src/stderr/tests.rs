use super::*;

#[test]
fn the_last_whole_lines_stay() {
    let long = "a".repeat(KEPT);
    for (written, expected) in [
        (vec![], None),
        (vec!["", "\n", "  \n"], None),
        (vec!["panicked at\n", "it went ", "wrong\n"], Some("panicked at\nit went wrong".to_owned())),
        // What came first goes first, and what is left of a line is no line.
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
fn bytes_that_are_no_text_are_replaced() {
    let stderr = Stderr::default();
    stderr.push(b"\xffone\n");
    assert_eq!(stderr.last_lines().as_deref(), Some("\u{fffd}one"));
}
