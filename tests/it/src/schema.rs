//! Checks a value against a JSON Schema, as far as the schemas of our tools go. What it does not know it refuses, so
//! that nothing passes unchecked.

use serde_json::Value;

/// Keywords that say nothing about a value.
const ANNOTATIONS: [&str; 6] = ["$schema", "title", "description", "default", "examples", "format"];

/// The first place where the value is not as the schema says.
///
/// # Errors
/// With that place and the reason.
pub fn check(schema: &Value, value: &Value) -> Result<(), String> {
    check_at("$", schema, value)
}

fn check_at(place: &str, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Object(schema) => schema,
        other => return Err(format!("{place}: the schema is {other}")),
    };
    let fail = |reason: String| Err(format!("{place}: {reason}"));
    for (keyword, rule) in schema {
        match keyword.as_str() {
            "type" => {
                let is_one = |kind: &Value| kind.as_str().is_some_and(|kind| is_of(kind, value));
                if !rule.as_array().map_or_else(|| is_one(rule), |kinds| kinds.iter().any(is_one)) {
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
                        check_at(&format!("{place}.{name}"), schema, value)?;
                    }
                }
            }
            "additionalProperties" => {
                let known = |name: &String| schema.get("properties").is_some_and(|known| known.get(name).is_some());
                for (name, value) in value.as_object().into_iter().flatten().filter(|(name, _)| !known(name)) {
                    if rule == false {
                        return fail(format!("{name} is not a property"));
                    }
                    check_at(&format!("{place}.{name}"), rule, value)?;
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    check_at(&format!("{place}[{index}]"), rule, value)?;
                }
            }
            "anyOf" | "oneOf" => {
                let choices = rule.as_array().into_iter().flatten();
                if !choices.clone().any(|schema| check_at(place, schema, value).is_ok()) {
                    return fail(format!("{value} is none of {rule}"));
                }
            }
            annotation if ANNOTATIONS.contains(&annotation) => {}
            unknown => return fail(format!("the keyword {unknown} is not known here")),
        }
    }
    Ok(())
}

fn is_of(kind: &str, value: &Value) -> bool {
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
