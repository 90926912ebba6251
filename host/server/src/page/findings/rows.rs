//! Findings as rows: short values stand in columns, and long ones unfold below their row.

use maud::{Markup, html};
use scanhost_domain::{field::FieldType, finding::Value};
use scanhost_results::{FindingsPage, ShownField, export::cell};

use super::super::{
    escape::{Escaped, block, plain},
    findings_query::FindingsQuery,
    state::severity_of,
    table::{Column, table as panel},
};

/// The largest number of columns that fit beside each other.
const MAX_COLUMNS: usize = 8;

/// The most characters of a text that stands in a column.
const SHORT: usize = 72;

/// The most values of a list that stands in a column.
const FEW: usize = 3;

/// The field that names a row; choosing it unfolds the rest.
const LEAD: &str = "plugin_name";

/// Fields that always stand in a column, since people recognise a row by them.
const ALWAYS_COLUMNS: [&str; 4] = ["host", "plugin_id", LEAD, "severity"];

/// The table of findings. `address_of` makes the address of a query.
pub fn table<'a>(
    found: &'a FindingsPage,
    address_of: &dyn Fn(&FindingsQuery) -> String,
    query: &FindingsQuery,
) -> Markup {
    let mut columns: Vec<(usize, &'a ShownField)> = Vec::new();
    let mut folded: Vec<(usize, &'a ShownField)> = Vec::new();
    let is_always = |name: &str| ALWAYS_COLUMNS.contains(&name);
    let known = found.fields.iter().filter(|field| is_always(&field.name)).count();
    let mut room = MAX_COLUMNS.saturating_sub(known);
    for (index, field) in found.fields.iter().enumerate() {
        let is_wanted = is_always(&field.name);
        let fits = is_wanted || room > 0 && is_short(found, index);
        room -= usize::from(fits && !is_wanted);
        if fits { columns.push((index, field)) } else { folded.push((index, field)) }
    }
    let head = |(_, field): &(usize, &'a ShownField)| {
        if is_number(field) { Column::Number(field.name.as_str()) } else { Column::Text(field.name.as_str()) }
    };
    let heads: Vec<Column<'a>> = columns.iter().map(head).collect();
    let lead = columns.iter().position(|(_, field)| field.name == LEAD).unwrap_or(0);
    let rows = html! {
        @for row in &found.rows {
            @let values: Vec<(&str, &Value)> =
                folded.iter().filter_map(|(index, field)| Some((field.name.as_str(), row[*index].as_ref()?))).collect();
            tr {
                @for (position, (index, field)) in columns.iter().enumerate() {
                    td.number[is_number(field)].lead[position == lead] data-label=(plain(&field.name)) {
                        @let value = row[*index].as_ref().map(|value| linked(&field.name, value, address_of, query));
                        @if position == lead && !values.is_empty() {
                            details.unfold { summary { (value.unwrap_or_else(|| html! { "more" })) } }
                        } @else if let Some(value) = value {
                            (value)
                        }
                    }
                }
            }
            @if !values.is_empty() { (more(&values, columns.len())) }
        }
    };
    html! { div.findings { (panel(&heads, rows)) } }
}

fn more(values: &[(&str, &Value)], width: usize) -> Markup {
    html! {
        tr.more {
            td colspan=(width) {
                dl.long { @for (name, value) in values {
                    div.whole[is_long(value)] { dt { (Escaped(name)) } dd { (shown(value)) } }
                } }
            }
        }
    }
}

/// A value that people often filter by is a link to the findings that have it.
fn linked(name: &str, value: &Value, address_of: &dyn Fn(&FindingsQuery) -> String, query: &FindingsQuery) -> Markup {
    let exact = match (name, value) {
        ("host", Value::Text(host)) => Some(format!("={host}")),
        ("plugin_id", Value::Integer(id)) => Some(id.to_string()),
        _ => None,
    };
    match (exact, value) {
        (Some(exact), _) if !query.filters.contains(&format!("{name}={exact}")) => html! {
            a href=(address_of(&query.with_profile(None).with_filter(name, &exact))) title=(format_args!("show only this {name}")) { (shown(value)) }
        },
        (_, Value::Severity(severity)) => severity_of(severity.name()).unwrap_or_else(|| shown(value)),
        _ => shown(value),
    }
}

fn shown(value: &Value) -> Markup {
    match value {
        Value::Text(text) => block(text),
        Value::Severity(severity) => block(severity.name()),
        Value::Boolean(true) => html! { strong { "yes" } },
        Value::Boolean(false) => html! { span.hint { "no" } },
        Value::List(values) => html! {
            ul.values { @for value in values { li { (block(value)) } } }
        },
        Value::Integer(_) | Value::Number(_) => html! { (cell(value)) },
    }
}

fn is_number(field: &ShownField) -> bool {
    matches!(field.field_type, FieldType::Integer | FieldType::Number)
}

fn is_long(value: &Value) -> bool {
    let Value::Text(text) = value else { return false };
    text.contains('\n') || text.chars().nth(SHORT).is_some()
}

/// Whether all values of the field on this page fit a column.
fn is_short(found: &FindingsPage, field: usize) -> bool {
    found.rows.iter().filter_map(|row| row[field].as_ref()).all(|value| match value {
        Value::Text(_) => !is_long(value),
        Value::List(values) => values.len() <= FEW && values.iter().all(|text| text.chars().nth(SHORT / 2).is_none()),
        Value::Severity(_) | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => true,
    })
}
