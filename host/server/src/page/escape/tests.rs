use super::*;

#[test]
fn escaped_text_is_never_markup_and_always_visible() {
    let table = [
        ("plain", "plain"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("\"><img src=x>", "&quot;&gt;&lt;img src=x&gt;"),
        ("a\nb\tc", "a\nb&#9;c"),
        ("a\u{1b}[2J", "a<span class=\"mark\" title=\"a hidden character\">U+001B</span>[2J"),
        ("safe\u{202e}txt", "<bdi>safe<span class=\"mark\" title=\"a hidden character\">U+202E</span>txt</bdi>"),
        ("grün", "<bdi>grün</bdi>"),
    ];
    for (text, expected) in table {
        assert_eq!(Escaped(text).render().into_string(), expected, "{text:?}");
    }
}

#[test]
fn unescaped_hidden_characters_become_visible() {
    assert_eq!(checked(html! { p title="a\u{202e}b" { "c\u{200b}d" } }), "<p title=\"a\\u{202e}b\">c\\u{200b}d</p>");
}

#[test]
fn thousands_are_separated() {
    let table = [(0, "0"), (999, "999"), (1_000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")];
    for (given, expected) in table {
        assert_eq!(number(given).into_string(), expected);
    }
}
