//! Filters as JSON, turned into the operands of the filter language.

use scanhost_domain::filter::Operand;
use serde_json::{Map, Value as Json};

/// The fields and operands of a filter object, in its order.
pub fn operands(filters: &Map<String, Json>) -> Vec<(String, Operand)> {
    filters.iter().map(|(field, value)| (field.clone(), operand(value))).collect()
}

fn operand(value: &Json) -> Operand {
    match value {
        Json::Null => Operand::Null,
        Json::Bool(boolean) => Operand::Boolean(*boolean),
        Json::Number(number) => Operand::Number(number.to_string()),
        Json::String(text) => Operand::Text(text.clone()),
        Json::Array(values) => Operand::List(values.iter().map(operand).collect()),
        Json::Object(_) => Operand::Object,
    }
}
