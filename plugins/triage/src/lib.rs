//! The profile `triage` shows what should be fixed first: one row for each distinct vulnerability, with its worst
//! severity, its hosts and its solution. It only plans; the host groups and orders.

#[cfg(test)]
mod tests;

use scanhost_sdk::profile::planner::{
    Aggregate, Column, Description, Field, FieldType, Grouping, Guest, Measure, OrderKey, QueryPlan, Selection,
    ValueList,
};

/// The most hosts and CVE ids that a row shows.
const SHOWN: u32 = 20;

const FIELDS: [&str; 9] = [
    "plugin_id",
    "plugin_name",
    "severity",
    "cvss_score",
    "exploit_available",
    "host_count",
    "hosts",
    "cve",
    "solution",
];

/// The worst come first; among equals, the easiest to attack and the most harmful.
const ORDER: [&str; 4] = ["severity", "exploit_available", "cvss_score", "host_count"];

pub struct Triage;

impl Guest for Triage {
    fn describe(definition: String) -> Result<Description, String> {
        permit(&definition)?;
        let field = |name: &str, type_, description: &str| Field {
            name: name.to_owned(),
            type_,
            description: description.to_owned(),
        };
        Ok(Description {
            name: "triage".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            fields: fields(),
            derived: vec![
                field("host_count", FieldType::Integer, "how many hosts have it"),
                field("hosts", FieldType::TextList, "these hosts, at most 20 of them"),
            ],
            shapes: false,
        })
    }

    fn plan(definition: String, columns: Vec<Column>) -> Result<QueryPlan, String> {
        permit(&definition)?;
        // Scanners that do not number their checks have names for them.
        let is_numbered = columns.is_empty() || columns.iter().any(|column| column.name == "plugin_id");
        let by = if is_numbered { "plugin_id" } else { "plugin_name" };
        let order = |field: &&str| OrderKey { field: (*field).to_owned(), descending: true };
        Ok(QueryPlan {
            fields: fields(),
            filters: "{}".to_owned(),
            group: Some(Grouping { by: vec![by.to_owned()], aggregates: aggregates() }),
            order: ORDER.iter().map(order).collect(),
        })
    }

    fn shape(_definition: String, rows: Vec<String>) -> Result<Vec<String>, String> {
        Ok(rows)
    }
}

scanhost_sdk::export_profile!(Triage);

fn permit(definition: &str) -> Result<(), String> {
    if definition.trim() == "{}" { Ok(()) } else { Err("triage takes no settings: use {}".to_owned()) }
}

fn fields() -> Selection {
    Selection::Some(FIELDS.map(str::to_owned).to_vec())
}

fn aggregates() -> Vec<Aggregate> {
    let highest = |field: &str| Measure::Highest(field.to_owned());
    let some = |field: &str| Measure::Values(ValueList { field: field.to_owned(), limit: SHOWN });
    let measures = [
        ("severity", highest("severity")),
        ("cvss_score", highest("cvss_score")),
        ("exploit_available", highest("exploit_available")),
        ("host_count", Measure::Distinct("host".to_owned())),
        ("hosts", some("host")),
        ("cve", some("cve")),
    ];
    measures.map(|(name, measure)| Aggregate { name: name.to_owned(), measure }).to_vec()
}
