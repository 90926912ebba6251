//! Text to look for, ignoring case.

use super::{error::Reason, fold::fold, texts::FoldedTexts};
use crate::target::Quoted;

/// A test of one text. Both variants hold folded text that is not empty.
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
