//! A profile for scanhost: it shows high and critical findings, the worst first, and whether each is urgent.

use scanhost_sdk::profile::planner::{Column, Description, Field, FieldType, Guest, OrderKey, QueryPlan, Selection};
use serde_json::{Map, Value};

const FIELDS: [&str; 6] = ["host", "port", "plugin_name", "severity", "cvss_score", "exploit_available"];

struct Plugin;

impl Guest for Plugin {
    fn describe(definition: String) -> Result<Description, String> {
        permit(&definition)?;
        let description = "severity is critical, or an exploit exists".to_owned();
        Ok(Description {
            name: "@NAME@".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            fields: fields(),
            derived: vec![Field { name: "urgent".to_owned(), type_: FieldType::Boolean, description }],
            shapes: true,
        })
    }

    fn plan(definition: String, _columns: Vec<Column>) -> Result<QueryPlan, String> {
        permit(&definition)?;
        Ok(QueryPlan {
            fields: fields(),
            filters: r#"{"severity": ">=High"}"#.to_owned(),
            group: None,
            order: vec![OrderKey { field: "cvss_score".to_owned(), descending: true }],
        })
    }

    /// Each row is a JSON object. It has to return as many rows, in the same order.
    fn shape(_definition: String, rows: Vec<String>) -> Result<Vec<String>, String> {
        rows.iter().map(|row| shaped(row)).collect()
    }
}

fn fields() -> Selection {
    Selection::Some(FIELDS.map(str::to_owned).to_vec())
}

/// Refuses keys in the entry of `profiles.yaml`: this profile has no settings.
fn permit(definition: &str) -> Result<(), String> {
    let keys: Map<String, Value> =
        serde_json::from_str(definition).map_err(|_| "the definition should be an object".to_owned())?;
    keys.keys().next().map_or(Ok(()), |key| Err(format!("unknown key `{key}`: this profile has no settings")))
}

fn shaped(row: &str) -> Result<String, String> {
    let mut row: Map<String, Value> = serde_json::from_str(row).map_err(|_| "a row is not an object".to_owned())?;
    let is_urgent = row.get("severity").is_some_and(|severity| severity == "Critical")
        || row.get("exploit_available").is_some_and(|available| *available == true);
    row.insert("urgent".to_owned(), Value::Bool(is_urgent));
    serde_json::to_string(&row).map_err(|error| error.to_string())
}

scanhost_sdk::export_profile!(Plugin);
