//! Errors of filters.

use std::fmt;

use crate::target::{Quoted, problems::Problems};

/// All the terms that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FilterErrors(pub(super) Problems<FilterError>);

/// One value that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    pub field: String,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("there is no such field")]
    UnknownField,
    #[error("null is not allowed as a value")]
    Null,
    #[error("an object is not allowed as a value")]
    Object,
    #[error("an empty list matches nothing: give it at least one value")]
    EmptyList,
    #[error("a list within a list is not allowed as a value")]
    NestedList,
    #[error("{0} has no value to compare with")]
    Empty(Quoted),
    #[error("{0} is not a number: write one, alone or after `>`, `>=`, `<`, `<=` or `=`")]
    NotANumber(Quoted),
    #[error("{0} is not a finite number")]
    NotFinite(Quoted),
    #[error(
        "{0} is not a severity: write Critical, High, Medium, Low, Info or 4 to 0, alone or after `>`, `>=`, `<`, `<=` or `=`"
    )]
    NotASeverity(Quoted),
    #[error("{0} is not true or false")]
    NotABoolean(Quoted),
}

impl FilterErrors {
    /// The first errors; if there are very many, the last ones are left out.
    pub fn iter(&self) -> impl Iterator<Item = &FilterError> {
        self.0.iter()
    }

    /// Names that no field has, for a hint that lists the existing ones.
    pub fn unknown_fields(&self) -> impl Iterator<Item = &str> {
        self.iter().filter(|error| error.reason == Reason::UnknownField).map(|error| error.field.as_str())
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter {}: {}", Quoted::new(&self.field), self.reason)
    }
}
