//! Cuts names in bounded answers, since names in a report may have any length.

/// The most bytes of a name, which is more than those of real hosts and checks have.
const MAX_BYTES: usize = 200;

/// The text, or its beginning and an ellipsis if it is long.
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
    fn long_text_is_cut_between_characters() {
        assert_eq!(clip("abc"), "abc");
        assert_eq!(clip(&"a".repeat(200)), "a".repeat(200));
        assert_eq!(clip(&"ü".repeat(101)), "ü".repeat(100) + "…");
        assert_eq!(clip(&("a".to_owned() + &"ü".repeat(100))), "a".to_owned() + &"ü".repeat(99) + "…");
    }
}
