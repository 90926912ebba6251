//! Text of a report where an answer is bounded: names are cut, since a report may hold any.

/// More than real hosts and checks are called.
const MAX_BYTES: usize = 200;

/// The text, or its beginning and an ellipsis.
pub fn clip(text: &str) -> String {
    if text.len() <= MAX_BYTES {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_BYTES)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_text_is_cut_and_between_characters() {
        assert_eq!(clip("abc"), "abc");
        assert_eq!(clip(&"a".repeat(200)), "a".repeat(200));
        assert_eq!(clip(&"ü".repeat(101)), "ü".repeat(100) + "…");
        assert_eq!(clip(&("a".to_owned() + &"ü".repeat(100))), "a".to_owned() + &"ü".repeat(99) + "…");
    }
}
