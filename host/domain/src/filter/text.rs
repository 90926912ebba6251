//! Text to look for, ignoring case.

use std::borrow::Cow;

use super::error::Reason;
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
}

/// Unicode's lower case, letter by letter. The Greek final sigma becomes the other one: which of them a capital turns
/// into depends on the letters around, so that a part of a text would not be found in it.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        let lower = |c: char| c.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c });
        Cow::Owned(text.chars().flat_map(lower).collect())
    } else if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}
