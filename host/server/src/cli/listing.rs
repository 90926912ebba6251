//! Prints the results of commands, as tables and sentences for people or as JSON for programs.

use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use scanhost_domain::visible::visible;
use serde_json::Value as Json;

/// Prints objects with the same keys, as a table or as JSON.
pub fn rows(as_json: bool, rows: &Json) -> anyhow::Result<()> {
    if as_json { json(rows) } else { table(rows) }
}

/// Prints one result, as a sentence or as JSON.
pub fn one(as_json: bool, result: &Json, make_sentence: impl FnOnce() -> String) -> anyhow::Result<()> {
    if as_json { json(result) } else { sentence(&make_sentence()) }
}

/// Prints a value as JSON.
pub fn json(value: &Json) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    Ok(writeln!(out)?)
}

/// Prints a sentence for people.
pub fn sentence(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

/// Prints objects with the same keys as a table, one for each row.
pub fn table(rows: &Json) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(Json::Object(first)) = rows.first() else { return Ok(writeln!(out, "none")?) };
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    let fits_terminal = io::stdout().is_terminal();
    table.set_content_arrangement(if fits_terminal {
        ContentArrangement::Dynamic
    } else {
        ContentArrangement::Disabled
    });
    table.set_header(first.keys());
    for row in rows {
        table.add_row(first.keys().map(|key| visible(&text(&row[key]))));
    }
    Ok(writeln!(out, "{table}")?)
}

/// The text of a value, without the quotes of JSON.
pub fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
