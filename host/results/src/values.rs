//! What groups and their measures need of values.

use scanhost_domain::finding::Value;

use super::records::Place;

/// A value's text, for lists of values.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(integer) => integer.to_string(),
        // As JSON has it: 10.0, not 10.
        Value::Number(number) => format!("{number:?}"),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::List(list) => list.join(", "),
        Value::Severity(severity) => severity.name().to_owned(),
    }
}

/// The places of those that have one, each with its index.
pub fn present(places: impl Iterator<Item = Option<Place>>) -> (Vec<usize>, Vec<Place>) {
    places.enumerate().filter_map(|(index, place)| Some((index, place?))).unzip()
}
