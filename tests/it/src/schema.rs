//! Validates a value against a JSON Schema. It supports the keywords that our tools' schemas use, and fails on any
//! other keyword, so that nothing passes unchecked.

use serde_json::Value;

/// Keywords that do not constrain a value.
const ANNOTATIONS: [&str; 6] = ["$schema", "title", "description", "default", "examples", "format"];

/// Validates the value against the schema.
///
/// # Errors
/// Fails with the first place where the value violates the schema, and the reason.
pub fn validate(schema: &Value, value: &Value) -> Result<(), String> {
    validate_at("$", schema, value)
}

fn validate_at(place: &str, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Object(schema) => schema,
        other => return Err(format!("{place}: the schema is {other}")),
    };
    let fail = |reason: String| Err(format!("{place}: {reason}"));
    for (keyword, rule) in schema {
        match keyword.as_str() {
            "type" => {
                let has_type = |kind: &Value| kind.as_str().is_some_and(|kind| is_of_type(kind, value));
                if !rule.as_array().map_or_else(|| has_type(rule), |kinds| kinds.iter().any(has_type)) {
                    return fail(format!("{value} is not of type {rule}"));
                }
            }
            "enum" if !rule.as_array().is_some_and(|values| values.contains(value)) => {
                return fail(format!("{value} is not one of {rule}"));
            }
            "const" if rule != value => return fail(format!("{value} is not {rule}")),
            "minimum" if value.as_f64() < rule.as_f64() => return fail(format!("{value} is less than {rule}")),
            "maximum" if value.as_f64() > rule.as_f64() => return fail(format!("{value} is more than {rule}")),
            "enum" | "const" | "minimum" | "maximum" => {}
            "required" => {
                let missing =
                    rule.as_array().into_iter().flatten().find(|name| value[name.as_str().unwrap_or("")].is_null());
                if let Some(name) = missing {
                    return fail(format!("{name} is missing"));
                }
            }
            "properties" => {
                for (name, schema) in rule.as_object().into_iter().flatten() {
                    if let Some(value) = value.get(name) {
                        validate_at(&format!("{place}.{name}"), schema, value)?;
                    }
                }
            }
            "additionalProperties" => {
                let known = |name: &String| schema.get("properties").is_some_and(|known| known.get(name).is_some());
                for (name, value) in value.as_object().into_iter().flatten().filter(|(name, _)| !known(name)) {
                    if rule == false {
                        return fail(format!("{name} is not a property"));
                    }
                    validate_at(&format!("{place}.{name}"), rule, value)?;
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    validate_at(&format!("{place}[{index}]"), rule, value)?;
                }
            }
            "anyOf" | "oneOf" => {
                let choices = rule.as_array().into_iter().flatten();
                if !choices.clone().any(|schema| validate_at(place, schema, value).is_ok()) {
                    return fail(format!("{value} is none of {rule}"));
                }
            }
            annotation if ANNOTATIONS.contains(&annotation) => {}
            unknown => return fail(format!("the keyword {unknown} is not supported here")),
        }
    }
    Ok(())
}

fn is_of_type(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => false,
    }
}
