//! Values as JSON.

use scanhost_domain::finding::Value;
use serde::{Serialize, Serializer};

/// A value as JSON: numbers stay numbers, and severities become their names.
pub struct JsonValue<'a>(pub &'a Value);

impl Serialize for JsonValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Integer(integer) => serializer.serialize_i64(*integer),
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Value::List(list) => list.serialize(serializer),
            Value::Severity(severity) => serializer.serialize_str(severity.name()),
        }
    }
}
