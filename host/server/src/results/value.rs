//! A finding's value as JSON.

use scanhost_domain::finding::Value;
use serde_json::Value as Json;

/// Numbers stay numbers, severities are their names.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Integer(integer) => Json::from(*integer),
        Value::Number(number) => Json::from(*number),
        Value::Boolean(boolean) => Json::from(*boolean),
        Value::List(list) => Json::from(list.as_slice()),
        Value::Severity(severity) => Json::from(severity.name()),
    }
}
