//! Rows as a profile's plugin returns them. They are untrusted input: they are read strictly and cut down to the fields
//! that the answer announces.

use scanhost_domain::{
    field::FieldType,
    finding::{Severity, Value},
};
use serde_json::{Map, Value as Json};

use super::view::ShownField;

#[cfg(test)]
mod tests;

/// The values of the view's fields, in their order.
pub type ShapedRow = Vec<Option<Value>>;

/// Reads the rows. Other fields of a row are left out.
///
/// # Errors
/// Names the first malformed row by its number, without repeating its content.
pub fn read(rows: &[String], fields: &[ShownField]) -> Result<Vec<ShapedRow>, String> {
    let count = rows.len();
    let read = |(number, row): (usize, &String)| {
        let place = format!("row {number} of {count}");
        let mut members: Map<String, Json> =
            serde_json::from_str(row).map_err(|_| format!("{place} is not a JSON object"))?;
        let value = |field: &ShownField| match members.remove(&field.name) {
            Some(json) => value(field.field_type, json).map_err(|NotAValue| {
                format!("in {place} the value of `{}` is not a text, number, boolean or list of texts", field.name)
            }),
            None => Ok(None),
        };
        fields.iter().map(value).collect()
    };
    (1..).zip(rows).map(read).collect()
}

/// JSON that is not a value of any type.
struct NotAValue;

/// The value as it was given, if a field of any type can have it; none for null and empty values.
fn value(field_type: FieldType, json: Json) -> Result<Option<Value>, NotAValue> {
    Ok(match json {
        Json::Null => None,
        Json::Bool(boolean) => Some(Value::Boolean(boolean)),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Some(Value::Integer(integer)),
            None => Some(Value::Number(number.as_f64().ok_or(NotAValue)?)),
        },
        Json::String(text) => Some(text).filter(|text| !text.is_empty()).map(|text| of_text(field_type, text)),
        Json::Array(elements) => {
            let text = |element: Json| match element {
                Json::String(text) => Ok(text),
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => Err(NotAValue),
            };
            let texts = elements.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
            Some(texts).filter(|texts| !texts.is_empty()).map(Value::List)
        }
        Json::Object(_) => return Err(NotAValue),
    })
}

/// Turns the exact name of a severity into one, so that its number can be written.
fn of_text(field_type: FieldType, text: String) -> Value {
    let severity = Severity::ALL.into_iter().find(|severity| severity.name() == text);
    match severity.filter(|_| field_type == FieldType::Severity) {
        Some(severity) => Value::Severity(severity),
        None => Value::Text(text),
    }
}
