//! Arguments and replies: their schemas as agents see them, and reading arguments so that a bad one gets our own error.

mod argument_type;

use rmcp::model::JsonObject;
use scanhost_app::refusal::Refusal;
use scanhost_domain::nearest::nearest;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// Returns the JSON Schema of arguments, without `null`: a client that sends null means the same as one that leaves the
/// argument out.
pub fn schema<T: JsonSchema>() -> JsonObject {
    schema_with::<T>(SchemaSettings::draft2020_12())
}

/// Returns the schema of a reply. Fields that a reply may leave out are not required, since clients validate replies.
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

/// Returns the schema of a tool that lacks some arguments of the type.
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
            // Clients do not know formats such as uint64.
            object.remove("format");
            object.values_mut().for_each(tidy);
        }
        Json::Array(items) => items.iter_mut().for_each(tidy),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// Reads the arguments; null counts as absent.
///
/// # Errors
/// The refusal lists every problem and the known arguments. It never contains a value that was given.
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
    let given = arguments.iter().filter(|(_, value)| !value.is_null());
    let (mut fitting, mut problems) = (JsonObject::new(), Vec::new());
    for (name, value) in given {
        let Some(wanted) = schema.get("properties").and_then(|properties| properties.get(name)) else {
            problems.push(match nearest(name, all.iter().map(String::as_str)) {
                Some(known) => format!("unknown argument `{}`; did you mean `{known}`?", printable(name)),
                None => format!("unknown argument `{}`", printable(name)),
            });
            continue;
        };
        match argument_type::fit(wanted, value) {
            Ok(value) => drop(fitting.insert(name.clone(), value)),
            // What was given instead may be a secret in the wrong place.
            Err(expected) => problems.push(format!("argument `{name}` must be {expected}")),
        }
    }
    let missing = required.iter().filter(|name| arguments.get(*name).is_none_or(Json::is_null));
    problems.extend(missing.map(|name| format!("missing argument `{name}`")));
    if !problems.is_empty() {
        return Err(Refusal::invalid(problems.join("; "), hint()));
    }
    T::deserialize(Json::Object(fitting)).map_err(|_| Refusal::invalid("the arguments do not fit the tool", hint()))
}

/// Returns the beginning of a name that a client sent, with control characters escaped.
pub fn printable(text: &str) -> String {
    const MAX: usize = 64;
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
