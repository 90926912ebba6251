//! The key `group`: `{by: [field, …], fields: {name: measure, …}}`. A measure is the word `count`, or an object with
//! one of `distinct`, `values` (with `limit`), `lowest`, `highest` and `first` as key and a field as value.

use std::collections::BTreeMap;

use scanhost_sdk::profile::planner;
use serde_json::value::RawValue;

use super::check_names;

/// How many values a row shows if the definition does not say.
const DEFAULT_LIMIT: u32 = 20;

const MAX_LIMIT: u32 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub by: Vec<String>,
    /// The aggregates, sorted by name.
    pub aggregates: Vec<Aggregate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    pub name: String,
    pub measure: Measure,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    Count,
    Distinct(String),
    Values { field: String, limit: u32 },
    Lowest(String),
    Highest(String),
    First(String),
}

impl Group {
    pub(super) fn parse(value: &str) -> Result<Self, String> {
        let Ok(given) = serde_json::from_str::<BTreeMap<String, &RawValue>>(value) else {
            return Err("group: should be an object with by and fields".to_owned());
        };
        if let Some(key) = given.keys().find(|key| !matches!(key.as_str(), "by" | "fields")) {
            return Err(format!("group: unknown key {key}, the known keys are by and fields"));
        }
        let by: Option<Vec<String>> = given.get("by").and_then(|by| serde_json::from_str(by.get()).ok());
        let by = by.filter(|by| !by.is_empty()).ok_or("group: by should be a list of field names, at least one")?;
        check_names("group", &by)?;
        let aggregates = given.get("fields").map_or(Ok(Vec::new()), |fields| aggregates(fields.get()))?;
        check_names("group", aggregates.iter().map(|aggregate| &aggregate.name))?;
        Ok(Self { by, aggregates })
    }
}

fn aggregates(value: &str) -> Result<Vec<Aggregate>, String> {
    let Ok(given) = serde_json::from_str::<BTreeMap<String, &RawValue>>(value) else {
        return Err("group: fields should be an object of names and their measures".to_owned());
    };
    let aggregate = |(name, value): (String, &RawValue)| {
        let rule = || {
            format!(
                "group: {name} should be count, or an object with one of distinct, values (with limit, at most \
                 {MAX_LIMIT}), lowest, highest or first, and a field"
            )
        };
        let measure = measure(value.get()).ok_or_else(rule)?;
        Ok(Aggregate { name, measure })
    };
    given.into_iter().map(aggregate).collect()
}

fn measure(value: &str) -> Option<Measure> {
    if let Ok(word) = serde_json::from_str::<String>(value) {
        return (word == "count").then_some(Measure::Count);
    }
    let mut given: BTreeMap<String, &RawValue> = serde_json::from_str(value).ok()?;
    let limit = given.remove("limit").map(|limit| serde_json::from_str::<u32>(limit.get())).transpose().ok()?;
    if limit.is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit)) {
        return None;
    }
    let (kind, field) = given.pop_first()?;
    let field: String = serde_json::from_str(field.get()).ok()?;
    if !given.is_empty() || check_names("group", [&field]).is_err() {
        return None;
    }
    match (kind.as_str(), limit) {
        ("values", limit) => Some(Measure::Values { field, limit: limit.unwrap_or(DEFAULT_LIMIT) }),
        ("distinct", None) => Some(Measure::Distinct(field)),
        ("lowest", None) => Some(Measure::Lowest(field)),
        ("highest", None) => Some(Measure::Highest(field)),
        ("first", None) => Some(Measure::First(field)),
        _ => None,
    }
}

impl From<Group> for planner::Grouping {
    fn from(group: Group) -> Self {
        Self { by: group.by, aggregates: group.aggregates.into_iter().map(Into::into).collect() }
    }
}

impl From<Aggregate> for planner::Aggregate {
    fn from(aggregate: Aggregate) -> Self {
        let measure = match aggregate.measure {
            Measure::Count => planner::Measure::Count,
            Measure::Distinct(field) => planner::Measure::Distinct(field),
            Measure::Values { field, limit } => planner::Measure::Values(planner::ValueList { field, limit }),
            Measure::Lowest(field) => planner::Measure::Lowest(field),
            Measure::Highest(field) => planner::Measure::Highest(field),
            Measure::First(field) => planner::Measure::First(field),
        };
        Self { name: aggregate.name, measure }
    }
}
