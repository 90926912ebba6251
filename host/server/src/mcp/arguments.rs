//! Arguments and replies: their schemas as agents see them, and reading arguments so that a bad one gets our own error.

use rmcp::model::JsonObject;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::refusal::Refusal;

/// A JSON Schema without `null`: an optional argument is left out, and a client that sends null means the same.
pub fn schema<T: JsonSchema>() -> JsonObject {
    schema_with::<T>(SchemaSettings::draft2020_12())
}

/// The same for what is sent: what a reply may leave out is not required, and clients check.
pub fn reply_schema<T: JsonSchema>() -> JsonObject {
    schema_with::<T>(SchemaSettings::draft2020_12().for_serialize())
}

fn schema_with<T: JsonSchema>(mut settings: SchemaSettings) -> JsonObject {
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = schema.to_value();
    tidy(&mut schema);
    let Json::Object(mut schema) = schema else { return JsonObject::new() };
    // The type's own name and comment are ours, not the agent's.
    schema.remove("title");
    schema.remove("description");
    schema.entry("type").or_insert_with(|| Json::from("object"));
    schema.entry("properties").or_insert_with(|| Json::Object(JsonObject::new()));
    schema
}

/// The same, for a tool that does not have all arguments of the type.
pub fn schema_without<'a, T: JsonSchema>(names: impl Iterator<Item = &'a str>) -> JsonObject {
    let mut schema = schema::<T>();
    if let Some(Json::Object(properties)) = schema.get_mut("properties") {
        for name in names {
            properties.remove(name);
        }
    }
    schema.insert("additionalProperties".into(), Json::from(false));
    schema
}

fn tidy(schema: &mut Json) {
    match schema {
        Json::Object(object) => {
            if let Some(Json::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".into(), only);
                }
            }
            if object.get("default").is_some_and(Json::is_null) {
                object.remove("default");
            }
            // Formats such as uint64 are known to nobody else.
            object.remove("format");
            object.values_mut().for_each(tidy);
        }
        Json::Array(items) => items.iter_mut().for_each(tidy),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// Reads the arguments; null is as good as absent.
///
/// # Errors
/// With what is wrong and which arguments there are.
pub fn parse<T: DeserializeOwned>(schema: &JsonObject, arguments: &JsonObject) -> Result<T, Refusal> {
    let names = |key: &str| -> Vec<String> {
        match schema.get(key) {
            Some(Json::Object(properties)) => properties.keys().cloned().collect(),
            Some(Json::Array(names)) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    };
    let (all, required) = (names("properties"), names("required"));
    let hint = || {
        let listed = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        format!("Required: {}. All arguments: {}.", listed(&required), listed(&all))
    };
    let given: JsonObject = arguments
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let unknown: Vec<String> =
        given.keys().filter(|name| !all.contains(name)).map(|name| format!("`{}`", printable(name))).collect();
    if !unknown.is_empty() {
        return Err(Refusal::invalid(format!("unknown argument {}", unknown.join(", ")), hint()));
    }
    let missing: Vec<String> = required.iter().filter(|name| !given.contains_key(*name)).cloned().collect();
    if !missing.is_empty() {
        return Err(Refusal::invalid(format!("missing argument {}", missing.join(", ")), hint()));
    }
    T::deserialize(Json::Object(given)).map_err(|error| Refusal::invalid(printable(&error.to_string()), hint()))
}

/// Errors quote what was sent; control characters in it are shown and not sent on.
fn printable(text: &str) -> String {
    const MAX: usize = 300;
    let mut shown: String = text
        .chars()
        .take(MAX)
        .flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] })
        .collect();
    if text.chars().nth(MAX).is_some() {
        shown.push('…');
    }
    shown
}
