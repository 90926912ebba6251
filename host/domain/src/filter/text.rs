//! Text to look for, ignoring case.

use std::borrow::Cow;

use super::{error::Reason, texts::FoldedTexts};
use crate::target::Quoted;

/// Both hold folded text that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextTest {
    Contains(String),
    Equals(String),
}

impl TextTest {
    /// Text is taken as it is: blanks count, and operators other than a leading `=` are text.
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let (sought, test): (_, fn(String) -> Self) = match text.strip_prefix('=') {
            Some(rest) => (rest, Self::Equals),
            None => (text, Self::Contains),
        };
        if sought.is_empty() { Err(Reason::Empty(Quoted::new(text))) } else { Ok(test(fold(sought).into_owned())) }
    }

    pub(super) fn holds(&self, folded: &str) -> bool {
        match self {
            Self::Contains(sought) => folded.contains(sought.as_str()),
            Self::Equals(sought) => folded == sought,
        }
    }

    /// Marks the values that it holds for.
    pub(super) fn mark(&self, values: &FoldedTexts, marks: &mut [bool]) {
        match self {
            Self::Contains(sought) => values.mark_containing(sought, marks),
            Self::Equals(sought) => values.mark_equal(sought, marks),
        }
    }
}

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

/// The same, added to what is there.
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
