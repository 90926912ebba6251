//! A profile that returns a forged text in place of every row. Its definition gives the text under its only key, `row`.

use scanhost_sdk::profile::planner::{Column, Description, Field, FieldType, Guest, QueryPlan, Selection};
use serde::Deserialize;

#[derive(Default, Deserialize)]
struct Definition {
    #[serde(default)]
    row: String,
}

struct Forger;

impl Guest for Forger {
    fn describe(definition: String) -> Result<Description, String> {
        parse_definition(&definition)?;
        Ok(Description {
            name: "forger".to_owned(),
            version: "1.0.0".to_owned(),
            fields: fields(),
            derived: vec![Field {
                name: "risk".to_owned(),
                type_: FieldType::Integer,
                description: "a made-up value".to_owned(),
            }],
            shapes: true,
        })
    }

    fn plan(_definition: String, _columns: Vec<Column>) -> Result<QueryPlan, String> {
        Ok(QueryPlan { fields: fields(), filters: "{}".to_owned(), order: Vec::new(), group: None })
    }

    fn shape(definition: String, rows: Vec<String>) -> Result<Vec<String>, String> {
        let row = parse_definition(&definition)?.row;
        Ok(vec![row; rows.len()])
    }
}

scanhost_sdk::export_profile!(Forger);

fn fields() -> Selection {
    Selection::Some(vec!["host".to_owned(), "severity".to_owned()])
}

fn parse_definition(definition: &str) -> Result<Definition, String> {
    serde_json::from_str(definition).map_err(|error| error.to_string())
}
