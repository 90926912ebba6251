//! One vulnerability record of a report, and the values that its fields hold.

use std::{fmt, str::FromStr};

use crate::field::{FieldIndex, FieldType};

/// How bad a finding is. Ordered from `Info` to `Critical`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// From the mildest to the worst, so that `ALL[level]` is the severity of that level.
    pub const ALL: [Severity; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// 0 for `Info` to 4 for `Critical`, as scanners number them.
    pub fn level(self) -> u8 {
        self as u8
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "Info",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Text that is neither a severity's name nor its level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a severity: use Critical, High, Medium, Low, Info or 4 to 0")]
pub struct NotASeverity;

impl FromStr for Severity {
    type Err = NotASeverity;

    fn from_str(text: &str) -> Result<Self, NotASeverity> {
        let level = |level: usize| Self::ALL.get(level).copied();
        let by_level = text.parse::<usize>().ok().and_then(level);
        by_level
            .or_else(|| Self::ALL.into_iter().find(|severity| severity.name().eq_ignore_ascii_case(text)))
            .ok_or(NotASeverity)
    }
}

/// A field's value in one finding. Numbers are finite; lists are not empty.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    List(Vec<String>),
    Severity(Severity),
}

impl Value {
    /// Reads what a backend emitted for a field of this type; `None` when it is not of the type, or empty.
    pub fn read(field_type: FieldType, text: &str) -> Option<Value> {
        if text.is_empty() {
            return None;
        }
        match field_type {
            FieldType::Text => Some(Value::Text(text.to_owned())),
            FieldType::List => Some(Value::List(vec![text.to_owned()])),
            FieldType::Integer => text.parse().ok().map(Value::Integer),
            FieldType::Number => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Number),
            FieldType::Boolean if text.eq_ignore_ascii_case("true") => Some(Value::Boolean(true)),
            FieldType::Boolean if text.eq_ignore_ascii_case("false") => Some(Value::Boolean(false)),
            FieldType::Boolean => None,
            FieldType::Severity => text.parse().ok().map(Value::Severity),
        }
    }

    /// Takes in a further value of the same field: lists grow, texts are joined by a line break, and of other types the
    /// first value stays.
    pub fn absorb(&mut self, further: Value) {
        match (self, further) {
            (Value::Text(text), Value::Text(more)) => {
                text.push('\n');
                text.push_str(&more);
            }
            (Value::List(list), Value::List(more)) => list.extend(more),
            _ => {}
        }
    }
}

/// The fields of one finding, in the order in which the report gives them. No field occurs twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    fields: Vec<(FieldIndex, Value)>,
}

impl Finding {
    /// Adds a value. A field that is already there absorbs it.
    pub fn add(&mut self, field: FieldIndex, value: Value) {
        match self.fields.iter_mut().find(|(index, _)| *index == field) {
            Some((_, present)) => present.absorb(value),
            None => self.fields.push((field, value)),
        }
    }

    pub fn get(&self, field: FieldIndex) -> Option<&Value> {
        self.fields.iter().find(|(index, _)| *index == field).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (FieldIndex, &Value)> {
        self.fields.iter().map(|(index, value)| (*index, value))
    }
}
