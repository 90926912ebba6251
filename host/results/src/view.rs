//! What an answer shows, and under which filters: a profile's plan and the agent's arguments, checked against a report.

use scanhost_domain::{
    field::{Columns, FieldIndex, FieldType},
    filter::{FilterErrors, Filters},
};
use scanhost_sandbox::{Plan, ProfileDescription, Selection};
use serde_json::{Map, Value as Json};

use super::{group::GroupPlan, operand::operands, order::Order, standing_filters::unknown_fields};

/// Why a view cannot be made, through a mistake of the agent or of the profile.
#[derive(Debug, thiserror::Error)]
pub enum BadView {
    #[error("unknown field{} {}", if .0.len() == 1 { "" } else { "s" }, .0.join(", "))]
    UnknownFields(Vec<String>),
    #[error("invalid filters: {0}")]
    Filters(FilterErrors),
    #[error("the standing filters of the profile `{profile}` are invalid: {reason}")]
    StandingFilters { profile: String, reason: String },
    /// The profile is not for this kind of report, or misspells a name.
    #[error("the standing filters of the profile `{profile}` do not fit this report: {reason}")]
    UnknownFieldsInStandingFilters { profile: String, reason: String },
}

/// What an answer shows, with all names known and all filters read.
pub struct View {
    pub profile: String,
    pub filters: Filters,
    pub filters_applied: Map<String, Json>,
    pub rows: Rows,
    /// The fields of the plan, and after them those that shaping adds.
    shown: Vec<ShownField>,
    planned: usize,
}

/// What the records are.
pub enum Rows {
    /// One record for each finding. A field that no finding has is none.
    Findings {
        fields: Vec<Option<FieldIndex>>,
        order: Order,
    },
    Groups(GroupPlan),
}

/// One field of a record.
#[derive(Clone, Debug)]
pub struct ShownField {
    pub name: String,
    pub field_type: FieldType,
}

impl View {
    /// Makes the view of a plan and the agent's own filters.
    ///
    /// # Errors
    /// When a filter of the agent or of the profile names an unknown field or is invalid.
    pub fn new(
        profile: String,
        description: Option<&ProfileDescription>,
        plan: &Plan,
        own: &Map<String, Json>,
        columns: &Columns,
    ) -> Result<Self, BadView> {
        let standing: Map<String, Json> = serde_json::from_str(&plan.filters)
            .map_err(|error| BadView::StandingFilters { profile: profile.clone(), reason: error.to_string() })?;
        let standing_filters = Filters::parse(&operands(&standing), columns);
        let standing_filters = standing_filters.map_err(|errors| bad_standing(&profile, &errors, columns))?;
        let own_filters = Filters::parse(&operands(own), columns).map_err(BadView::Filters)?;
        let derived = description.map(|description| description.derived.as_slice()).unwrap_or_default();
        let mut shown = shown(plan, derived, columns);
        let planned = shown.len();
        let rows = match &plan.group {
            Some(grouping) => {
                let names: Vec<String> = shown.iter().map(|field| field.name.clone()).collect();
                Rows::Groups(GroupPlan::new(grouping, &names, &plan.order, columns))
            }
            None => Rows::Findings {
                fields: shown.iter().map(|field| columns.find(&field.name)).collect(),
                order: Order::new(&plan.order, columns),
            },
        };
        if description.is_some_and(|description| description.shapes) {
            let added = added(derived, plan, &shown);
            shown.extend(added);
        }
        let (filters, filters_applied) = (standing_filters.and(own_filters), merge(standing, own));
        Ok(Self { profile, filters, filters_applied, rows, shown, planned })
    }

    /// Whether records are groups of findings.
    pub fn is_grouped(&self) -> bool {
        matches!(self.rows, Rows::Groups(_))
    }

    /// Checks the fields that an agent chose.
    ///
    /// # Errors
    /// Lists the names that no report of this backend can have.
    pub fn permit_fields(names: &[String], columns: &Columns) -> Result<(), BadView> {
        let unknown = names.iter().filter(|name| columns.type_of(name).is_none());
        let unknown: Vec<String> = unknown.map(|name| format!("`{}`", printable(name))).collect();
        if unknown.is_empty() { Ok(()) } else { Err(BadView::UnknownFields(unknown)) }
    }

    /// The fields of shown rows.
    pub fn fields(&self) -> &[ShownField] {
        &self.shown
    }

    /// The fields of rows before they are shaped.
    pub fn planned(&self) -> &[ShownField] {
        &self.shown[..self.planned]
    }
}

/// The error for invalid standing filters. Unknown names are errors, since they would silently match nothing.
fn bad_standing(profile: &str, errors: &FilterErrors, columns: &Columns) -> BadView {
    let profile = profile.to_owned();
    let unknown = unknown_fields(errors.unknown_fields(), columns);
    if unknown.is_empty() {
        return BadView::StandingFilters { profile, reason: errors.to_string() };
    }
    let unknown: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    BadView::UnknownFieldsInStandingFilters { profile, reason: unknown.join("; ") }
}

fn shown(plan: &Plan, derived: &[(String, FieldType, String)], columns: &Columns) -> Vec<ShownField> {
    let field = |name: &str| {
        let derived = derived.iter().find(|(derived, ..)| derived == name).map(|(_, field_type, _)| *field_type);
        let of_finding = || columns.type_of(name).or(derived).unwrap_or(FieldType::Text);
        let field_type = match &plan.group {
            Some(grouping) if grouping.makes(name) => grouping.measure(name).field_type(columns),
            _ => of_finding(),
        };
        ShownField { name: name.to_owned(), field_type }
    };
    match (&plan.fields, &plan.group) {
        (Selection::All, None) => columns.iter().map(|column| field(&column.name)).collect(),
        (Selection::All, Some(grouping)) => grouping.all_names().map(field).collect(),
        (Selection::Some(names), _) => names.iter().map(|name| field(name)).collect(),
    }
}

/// The derived fields of the profile that neither its plan shows nor its grouping makes.
fn added(derived: &[(String, FieldType, String)], plan: &Plan, planned: &[ShownField]) -> Vec<ShownField> {
    let is_grouped = |name: &str| plan.group.as_ref().is_some_and(|grouping| grouping.makes(name));
    let is_new = |name: &str| !is_grouped(name) && !planned.iter().any(|field| field.name == name);
    let added = derived.iter().filter(|(name, ..)| is_new(name));
    added.map(|(name, field_type, _)| ShownField { name: name.clone(), field_type: *field_type }).collect()
}

/// Merges the filters for the answer. Where both have a filter on one field, both are shown as `all`.
fn merge(standing: Map<String, Json>, own: &Map<String, Json>) -> Map<String, Json> {
    let mut merged = standing;
    for (field, value) in own {
        let both = match merged.remove(field) {
            Some(standing) if standing != *value => serde_json::json!({ "all": [standing, value] }),
            _ => value.clone(),
        };
        merged.insert(field.clone(), both);
    }
    merged
}

fn printable(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}
