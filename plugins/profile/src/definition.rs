//! A profile's definition: `{name?, fields?, filters?, group?, order?}`. All errors in it are reported at once.

mod group;

use std::collections::{BTreeMap, BTreeSet};

use scanhost_sdk::profile::planner::{OrderKey, Selection};
use serde_json::value::RawValue;

pub use self::group::{Aggregate, Group, Measure};

#[cfg(test)]
mod tests;

const MAX_NAME_BYTES: usize = 64;
const MAX_FIELD_BYTES: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    pub name: String,
    pub fields: Fields,
    /// A JSON object. The host knows the filter language and checks its content.
    pub filters: String,
    pub group: Option<Group>,
    pub order: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fields {
    All,
    Some(Vec<String>),
}

/// One sort key, `-` before its field for descending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub field: String,
    pub descending: bool,
}

impl Default for Definition {
    fn default() -> Self {
        let (fields, filters) = (Fields::All, "{}".to_owned());
        Self { name: "standard".to_owned(), fields, filters, group: None, order: Vec::new() }
    }
}

impl Definition {
    /// Parses the definition. The error names every wrong key.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Values stay text: `serde_json::Value` has a hash map, which would import random numbers from the host.
        let Ok(given) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) else {
            return Err("a profile should be an object with fields, filters, group and order".to_owned());
        };
        let mut definition = Self::default();
        let set = |(key, value): (&String, &&RawValue)| definition.set(key, value.get()).err();
        let problems: Vec<String> = given.iter().filter_map(set).collect();
        if problems.is_empty() { Ok(definition) } else { Err(problems.join("; ")) }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "name" => self.name = name(value)?,
            "fields" => self.fields = fields(value)?,
            "filters" => self.filters = filters(value)?,
            "group" => self.group = Some(Group::parse(value)?),
            "order" => self.order = order(value)?,
            _ => return Err(format!("{key}: unknown key, the known keys are name, fields, filters, group and order")),
        }
        Ok(())
    }
}

impl From<Fields> for Selection {
    fn from(fields: Fields) -> Self {
        match fields {
            Fields::All => Self::All,
            Fields::Some(names) => Self::Some(names),
        }
    }
}

impl From<Key> for OrderKey {
    fn from(key: Key) -> Self {
        Self { field: key.field, descending: key.descending }
    }
}

fn name(value: &str) -> Result<String, String> {
    let is_valid = |name: &String| {
        (1..=MAX_NAME_BYTES).contains(&name.len())
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    let name: Option<String> = serde_json::from_str(value).ok();
    let rule = || format!("name: should be 1 to {MAX_NAME_BYTES} lower case letters, digits, `-` or `_`");
    name.filter(is_valid).ok_or_else(rule)
}

fn fields(value: &str) -> Result<Fields, String> {
    if serde_json::from_str(value).is_ok_and(|word: String| word == "all") {
        return Ok(Fields::All);
    }
    let names: Option<Vec<String>> = serde_json::from_str(value).ok();
    let names = names.filter(|names| !names.is_empty());
    let names = names.ok_or("fields: should be a list of field names, at least one, or the word all")?;
    check_names("fields", &names)?;
    Ok(Fields::Some(names))
}

fn filters(value: &str) -> Result<String, String> {
    if value.starts_with('{') { Ok(value.to_owned()) } else { Err("filters: should be an object".to_owned()) }
}

fn order(value: &str) -> Result<Vec<Key>, String> {
    let keys: Option<Vec<String>> = serde_json::from_str(value).ok();
    let keys = keys.ok_or("order: should be a list of field names, with `-` before a name for descending")?;
    let read = |key: String| match key.strip_prefix('-') {
        Some(field) => Key { field: field.to_owned(), descending: true },
        None => Key { field: key, descending: false },
    };
    let order: Vec<Key> = keys.into_iter().map(read).collect();
    check_names("order", order.iter().map(|key| &key.field))?;
    Ok(order)
}

/// Checks that each name can be that of a field, and that no name is repeated.
fn check_names<'n>(key: &str, names: impl IntoIterator<Item = &'n String>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.trim().is_empty() || name.len() > MAX_FIELD_BYTES || name.contains(char::is_control) {
            return Err(format!("{key}: a field name has 1 to {MAX_FIELD_BYTES} bytes and no control characters"));
        }
        if !seen.insert(name) {
            return Err(format!("{key}: {name} is listed twice"));
        }
    }
    Ok(())
}
