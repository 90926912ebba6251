//! Findings as rows: what is short stands in columns, what is long unfolds below its row.

use maud::{Markup, html};
use serde_json::Value as Json;

use super::{
    super::{
        escape::{Told, block, plain},
        question::Question,
        state::severity_of,
        table::{Column, table as panel},
    },
    answer::Answer,
};

/// More columns than that do not fit beside each other.
const MOST_COLUMNS: usize = 8;

/// Characters of a text that still stands in a column.
const SHORT: usize = 72;

/// Values of a list that still stand in a column.
const FEW: usize = 3;

/// What a row is called; choosing it unfolds the rest.
const LEAD: &str = "plugin_name";

/// Names that stand in a column, however long and wherever in the profile: a row is known by them.
const ALWAYS_COLUMNS: [&str; 4] = ["host", "plugin_id", LEAD, "severity"];

/// The table. `to` makes the address of a question.
pub fn table<'a>(answer: &'a Answer, to: &dyn Fn(&Question) -> String, question: &Question) -> Markup {
    let mut columns: Vec<&'a (String, String)> = Vec::new();
    let mut folded: Vec<&'a (String, String)> = Vec::new();
    let is_known_by = |name: &str| ALWAYS_COLUMNS.contains(&name);
    let known = answer.fields.iter().filter(|(name, _)| is_known_by(name)).count();
    let mut room = MOST_COLUMNS.saturating_sub(known);
    for field in &answer.fields {
        let is_wanted = is_known_by(&field.0);
        let fits = is_wanted || room > 0 && is_short(answer, &field.0);
        room -= usize::from(fits && !is_wanted);
        if fits { columns.push(field) } else { folded.push(field) }
    }
    let head = |(name, field_type): &&'a (String, String)| {
        if is_number(field_type) { Column::Number(name.as_str()) } else { Column::Text(name.as_str()) }
    };
    let heads: Vec<Column<'a>> = columns.iter().map(head).collect();
    let lead = columns.iter().position(|(name, _)| name == LEAD).unwrap_or(0);
    let rows = html! {
        @for row in &answer.rows {
            @let values: Vec<(&str, &Json)> =
                folded.iter().filter_map(|(name, _)| Some((name.as_str(), row.get(name)?))).collect();
            tr {
                @for (place, (name, field_type)) in columns.iter().enumerate() {
                    td.number[is_number(field_type)].lead[place == lead] data-label=(plain(name)) {
                        @let value = row.get(name).map(|value| linked(name, field_type, value, to, question));
                        @if place == lead && !values.is_empty() {
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

fn more(values: &[(&str, &Json)], width: usize) -> Markup {
    html! {
        tr.more {
            td colspan=(width) {
                dl.long { @for (name, value) in values {
                    div.whole[is_long(value)] { dt { (Told(name)) } dd { (shown(value)) } }
                } }
            }
        }
    }
}

/// What one would narrow down by leads there.
fn linked(name: &str, field_type: &str, value: &Json, to: &dyn Fn(&Question) -> String, question: &Question) -> Markup {
    let exact = match (name, value) {
        ("host", Json::String(host)) => Some(format!("={host}")),
        ("plugin_id", Json::Number(id)) => Some(id.to_string()),
        _ => None,
    };
    match (exact, value) {
        (Some(exact), _) if !question.filters.contains(&format!("{name}={exact}")) => html! {
            a href=(to(&question.with_profile(None).with_filter(name, &exact))) title=(format_args!("only this {name}")) { (shown(value)) }
        },
        (_, Json::String(text)) if field_type == "severity" => severity_of(text).unwrap_or_else(|| shown(value)),
        _ => shown(value),
    }
}

fn shown(value: &Json) -> Markup {
    match value {
        Json::String(text) => block(text),
        Json::Bool(true) => html! { strong { "yes" } },
        Json::Bool(false) => html! { span.hint { "no" } },
        Json::Array(values) => html! {
            ul.values { @for value in values { li { (shown(value)) } } }
        },
        other => html! { (other.to_string()) },
    }
}

fn is_number(field_type: &str) -> bool {
    matches!(field_type, "integer" | "number")
}

fn is_long(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.contains('\n') || text.chars().nth(SHORT).is_some())
}

/// Whether no row of the answer has more of it than a column takes.
fn is_short(answer: &Answer, name: &str) -> bool {
    answer.rows.iter().filter_map(|row| row.get(name)).all(|value| match value {
        Json::String(_) => !is_long(value),
        Json::Array(values) => {
            values.len() <= FEW
                && values.iter().all(|value| value.as_str().is_none_or(|text| text.chars().nth(SHORT / 2).is_none()))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => true,
    })
}
