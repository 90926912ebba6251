//! Lower case for comparing text.

use std::borrow::Cow;

/// Unicode's lower case, letter by letter. The Greek final sigma becomes the other one: which of them a capital turns
/// into depends on the letters around, so that a part of a text would not be found in it.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    Cow::Owned(folded)
}

/// Appends the folded text to `into`; see [`fold`].
pub(super) fn fold_into(text: &str, into: &mut String) {
    let mut rest = text;
    while !rest.is_empty() {
        // Most text is ASCII, or nearly: whole stretches of it are copied and then lowered in place.
        let ascii = if rest.is_ascii() { rest.len() } else { rest.bytes().take_while(u8::is_ascii).count() };
        let (stretch, others) = rest.split_at(ascii);
        let start = into.len();
        into.push_str(stretch);
        into[start..].make_ascii_lowercase();
        let mut others = others.chars();
        if let Some(other) = others.next() {
            into.extend(other.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c }));
        }
        rest = others.as_str();
    }
}
