//! How the admin commands print: a table for people, JSON for programs.

use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use scanhost_domain::visible::visible;
use serde_json::Value as Json;

/// Objects with the same keys, one a row.
pub fn rows(as_json: bool, rows: &Json) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if as_json {
        serde_json::to_writer_pretty(&mut out, rows)?;
        return Ok(writeln!(out)?);
    }
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

/// One answer: a sentence for people.
pub fn one(as_json: bool, answer: &Json, sentence: impl FnOnce() -> String) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if as_json {
        serde_json::to_writer_pretty(&mut out, answer)?;
        return Ok(writeln!(out)?);
    }
    Ok(writeln!(out, "{}", sentence())?)
}

/// A value without the marks of JSON.
pub fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
