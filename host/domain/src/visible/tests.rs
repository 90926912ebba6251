//! How text with hidden characters is shown.

use super::*;

#[test]
fn hidden_characters_are_spelled_out() {
    let table = [
        ("plain text\nof two lines, Grüße, 日本", "plain text\nof two lines, Grüße, 日本"),
        ("bell\u{7} and \u{1b}[31mred", "bell\\u{7} and \\u{1b}[31mred"),
        ("user\u{202e}nimda", "user\\u{202e}nimda"),
        ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
        ("tag\u{e0041}", "tag\\u{e0041}"),
    ];
    for (text, expected) in table {
        assert_eq!(visible(text), expected);
    }
}

#[test]
fn hidden_characters_of_json_become_its_escapes() {
    let json = "{\"banner\":\"a\u{202e}b\u{e0041}c\u{200b}\\n\\u0007\"}";
    let shown = visible_json(json);
    assert!(!shown.chars().any(is_hidden), "{shown}");
    assert_eq!(shown, r#"{"banner":"a\u202eb\udb40\udc41c\u200b\n\u0007"}"#);
}
