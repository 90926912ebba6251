//! Filters before there is a report: what can be said of them then.

use scanhost_domain::{field::Columns, filter::Filters, nearest::nearest};
use serde_json::{Map, Value as Json};

use super::operand::operands;

/// Checks them. Names may be those of a report to come; values that no field of their name can have never make sense.
///
/// # Errors
/// With all that is wrong.
pub fn check_standing(filters: &str, columns: &Columns) -> Result<(), String> {
    let standing: Map<String, Json> = serde_json::from_str(filters).map_err(|error| format!("filters: {error}"))?;
    let read = Filters::parse_standing(&operands(&standing), columns);
    read.map(|_| ()).map_err(|errors| errors.to_string())
}

/// A field that is not known before there is a report, and may be a slip.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfamiliar {
    pub name: String,
    pub nearest: Option<String>,
}

/// Fields of the filters that `columns` does not know.
pub fn unfamiliar<'a>(names: impl Iterator<Item = &'a str>, columns: &Columns) -> Vec<Unfamiliar> {
    let unknown = names.filter(|name| columns.type_of(name).is_none());
    let with_nearest = |name: &str| Unfamiliar {
        name: name.to_owned(),
        nearest: nearest(name, columns.known_names()).map(str::to_owned),
    };
    unknown.map(with_nearest).collect()
}

impl std::fmt::Display for Unfamiliar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the field {:?} is not known", self.name)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}
