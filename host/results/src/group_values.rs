//! Helpers for the values of groups.

use scanhost_domain::finding::Value;

use super::records::Position;

/// A value's text, for lists of values.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(integer) => integer.to_string(),
        // As in JSON: 10.0, not 10.
        Value::Number(number) => format!("{number:?}"),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::List(list) => list.join(", "),
        Value::Severity(severity) => severity.name().to_owned(),
    }
}

/// The present positions, each with its index.
pub fn present(positions: impl Iterator<Item = Option<Position>>) -> (Vec<usize>, Vec<Position>) {
    positions.enumerate().filter_map(|(index, place)| Some((index, place?))).unzip()
}
