//! Checks standing filters before there is a report.

use scanhost_domain::{field::Columns, filter::Filters, nearest::nearest};
use serde_json::{Map, Value as Json};

use super::operand::operands;

/// Checks standing filters. Unknown names are accepted, since a later report may have them, but values that no field of
/// that name can have are not.
///
/// # Errors
/// Lists every problem.
pub fn check_standing_filters(filters: &str, columns: &Columns) -> Result<(), String> {
    let standing: Map<String, Json> = serde_json::from_str(filters).map_err(|error| format!("filters: {error}"))?;
    let read = Filters::parse_standing(&operands(&standing), columns);
    read.map(|_| ()).map_err(|errors| errors.to_string())
}

/// A field that is not known before there is a report, and may be misspelt.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownField {
    pub name: String,
    pub nearest: Option<String>,
}

/// The names that `columns` does not know.
pub fn unknown_fields<'a>(names: impl Iterator<Item = &'a str>, columns: &Columns) -> Vec<UnknownField> {
    let unknown = names.filter(|name| columns.type_of(name).is_none());
    let with_nearest = |name: &str| UnknownField {
        name: name.to_owned(),
        nearest: nearest(name, columns.known_names()).map(str::to_owned),
    };
    unknown.map(with_nearest).collect()
}

impl std::fmt::Display for UnknownField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the field {:?} is not known", self.name)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}
