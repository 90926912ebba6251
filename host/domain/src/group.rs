//! Groups: one row for all findings that agree in some fields, and what the row says of them.

use std::fmt;

use crate::field::{Columns, FieldType};

/// How findings become rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// Findings that agree in all of these fields are one row; to lack a field is to agree in it.
    pub by: Vec<String>,
    pub aggregates: Vec<Aggregate>,
}

/// One field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Its name in the row, a new one or in place of a field of findings.
    pub name: String,
    pub measure: Measure,
}

/// What a row shows of its findings. Each variant but `Count` names a field of findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How many findings there are.
    Count,
    /// How many different values there are, or different elements if the field is a list.
    Distinct(String),
    /// These values as texts, by first appearance, at most `limit` of them.
    Values {
        field: String,
        limit: usize,
    },
    Lowest(String),
    Highest(String),
    /// The value of the first finding that has the field.
    First(String),
}

impl Measure {
    /// The field of findings that it measures.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Count => None,
            Self::Distinct(field)
            | Self::Values { field, .. }
            | Self::Lowest(field)
            | Self::Highest(field)
            | Self::First(field) => Some(field),
        }
    }

    /// The type of its value in a report with these fields. An unknown field is text.
    pub fn field_type(&self, columns: &Columns) -> FieldType {
        match self {
            Self::Count | Self::Distinct(_) => FieldType::Integer,
            Self::Values { .. } => FieldType::List,
            Self::Lowest(field) | Self::Highest(field) | Self::First(field) => {
                columns.type_of(field).unwrap_or(FieldType::Text)
            }
        }
    }
}

/// Describes the measure in a few words.
impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("how many findings there are"),
            Self::Distinct(field) => write!(f, "how many different values {field} has"),
            Self::Values { field, limit } => write!(f, "different values of {field}, at most {limit}"),
            Self::Lowest(field) => write!(f, "the lowest {field}"),
            Self::Highest(field) => write!(f, "the highest {field}"),
            Self::First(field) => write!(f, "the first {field}"),
        }
    }
}

impl Grouping {
    /// How the row's field of this name is made. A field that is not an aggregate has the value of the first finding; a
    /// field that is grouped by has that, too, since all its values are equal.
    pub fn measure(&self, name: &str) -> Measure {
        let aggregate = self.aggregates.iter().find(|aggregate| aggregate.name == name);
        aggregate.map_or_else(|| Measure::First(name.to_owned()), |aggregate| aggregate.measure.clone())
    }

    /// Whether the field of this name is an aggregate.
    pub fn makes(&self, name: &str) -> bool {
        self.aggregates.iter().any(|aggregate| aggregate.name == name)
    }

    /// The names of all fields that a row can show.
    pub fn all_names(&self) -> impl Iterator<Item = &str> {
        let by = self.by.iter().filter(|name| !self.makes(name)).map(String::as_str);
        by.chain(self.aggregates.iter().map(|aggregate| aggregate.name.as_str()))
    }
}
