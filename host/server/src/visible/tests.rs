//! What is shown of text that hides something.

use super::*;

#[test]
fn what_hides_is_spelled_out() {
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
fn json_means_the_same_afterwards() {
    let value = serde_json::json!({ "banner": "a\u{202e}b\u{e0041}c\u{200b}\n\u{7}" });
    let shown = visible_json(&value.to_string());
    assert!(!shown.chars().any(is_hidden), "{shown}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
}
