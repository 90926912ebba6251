//! The standard profile. Its fields, standing filters, groups and order come from its definition in the configuration.
//! It changes no rows.

pub mod definition;

use scanhost_sdk::profile::planner::{Column, Description, Guest, QueryPlan};

use crate::definition::Definition;

pub struct Profile;

impl Guest for Profile {
    fn describe(definition: String) -> Result<Description, String> {
        let definition = Definition::parse(&definition)?;
        Ok(Description {
            name: definition.name,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            fields: definition.fields.into(),
            derived: Vec::new(),
            shapes: false,
        })
    }

    /// The plan is the same for every report, since a report may lack fields of the plan.
    fn plan(definition: String, _columns: Vec<Column>) -> Result<QueryPlan, String> {
        let definition = Definition::parse(&definition)?;
        Ok(QueryPlan {
            fields: definition.fields.into(),
            filters: definition.filters,
            group: definition.group.map(Into::into),
            order: definition.order.into_iter().map(Into::into).collect(),
        })
    }

    fn shape(_definition: String, rows: Vec<String>) -> Result<Vec<String>, String> {
        Ok(rows)
    }
}

scanhost_sdk::export_profile!(Profile);
