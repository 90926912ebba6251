//! Variants of a JSON report, in each of which one key is missing, null or of another type.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

/// How many keys are changed at most. More would take long and show little more.
const MAX_KEYS: usize = 32;

/// How a key is changed, wherever it occurs.
#[derive(Clone, Copy)]
enum Change {
    Dropped,
    Nothing,
    AnotherType,
}

/// The changed reports; none if the bytes are neither JSON nor JSON lines.
pub fn mutations(report: &[u8]) -> Option<Vec<Vec<u8>>> {
    let read = serde_json::Deserializer::from_slice(report).into_iter::<Json>();
    let documents: Vec<Json> = read.collect::<Result<_, _>>().ok()?;
    let mut keys = BTreeSet::new();
    documents.iter().for_each(|document| collect(document, &mut keys));
    if keys.is_empty() {
        return None;
    }
    let mut reports = Vec::new();
    for key in keys.iter().take(MAX_KEYS) {
        for change in [Change::Dropped, Change::Nothing, Change::AnotherType] {
            let lines = documents.iter().map(|document| format!("{}\n", with(document, key, change)));
            reports.push(lines.collect::<String>().into_bytes());
        }
    }
    Some(reports)
}

fn collect(json: &Json, keys: &mut BTreeSet<String>) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        Json::Object(members) => members.iter().for_each(|(key, value)| {
            keys.insert(key.clone());
            collect(value, keys);
        }),
        _ => {}
    }
}

fn with(json: &Json, changed: &str, change: Change) -> Json {
    match json {
        Json::Array(items) => items.iter().map(|item| with(item, changed, change)).collect(),
        Json::Object(members) => {
            let member = |(key, value): (&String, &Json)| {
                let value = match change {
                    _ if key != changed => with(value, changed, change),
                    Change::Dropped => return None,
                    Change::Nothing => Json::Null,
                    Change::AnotherType => of_another_type(value),
                };
                Some((key.clone(), value))
            };
            Json::Object(members.iter().filter_map(member).collect())
        }
        plain => plain.clone(),
    }
}

fn of_another_type(value: &Json) -> Json {
    match value {
        Json::String(_) => json!(-7.5),
        Json::Array(_) => json!({ "odd": 1 }),
        Json::Object(_) => json!([1, null]),
        Json::Null | Json::Bool(_) | Json::Number(_) => json!("odd"),
    }
}
