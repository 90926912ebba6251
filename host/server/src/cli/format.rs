//! How findings are printed: JSON lines as over MCP, a table for people, CSV for spreadsheets, Parquet for analysts.

mod parquet;

use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use scanhost_domain::finding::Value;
use serde_json::json;

use crate::{
    answer::Prepared,
    results::{
        JsonValue, ReportError, View,
        jsonl::{ScanMetadata, WriteError},
    },
    visible::visible,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The lines of get_scan_results
    Jsonl,
    /// A table for people
    Table,
    /// For spreadsheets: lists joined by a comma and a blank, and an apostrophe before text that would be a formula
    Csv,
    /// For analysts, with types; not to a terminal
    Parquet,
}

impl Format {
    /// # Errors
    /// When standard output cannot take it.
    pub fn permit_output(self) -> anyhow::Result<()> {
        if self == Self::Parquet && io::stdout().is_terminal() {
            anyhow::bail!("parquet is no text: send it to a file, as with `> findings.parquet`");
        }
        Ok(())
    }
}

/// Prints the findings. It reads files: call it where blocking is allowed.
pub fn print(prepared: &Prepared, metadata: &ScanMetadata, format: Format) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout());
    match format {
        Format::Jsonl => prepared.write(&mut out, metadata, None, None).map_err(unwrap_io)?,
        Format::Csv => csv(prepared, &mut out)?,
        Format::Table => table(prepared, &mut out)?,
        Format::Parquet => parquet::write(prepared, &mut out)?,
    }
    out.flush()?;
    Ok(())
}

/// So that a closed pipe is recognised as such.
fn unwrap_io(error: WriteError) -> anyhow::Error {
    match error {
        WriteError::Io(error) => error.into(),
        other => other.into(),
    }
}

fn csv(prepared: &Prepared, out: &mut impl Write) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(names(&prepared.view))?;
    each(prepared, csv_cell, |cells| Ok(writer.write_record(cells)?))?;
    writer.flush()?;
    Ok(())
}

fn table(prepared: &Prepared, out: &mut impl Write) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if !io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(names(&prepared.view));
    let mut rows = 0;
    each(prepared, cell, |cells| {
        rows += 1;
        table.add_row(cells.into_iter().map(|cell| visible(&cell)));
        Ok(())
    })?;
    writeln!(out, "{table}")?;
    writeln!(out, "{rows} {}", if prepared.view.is_grouped() { "groups" } else { "findings" })?;
    Ok(())
}

fn names(view: &View) -> Vec<&str> {
    view.fields().iter().map(|field| field.name.as_str()).collect()
}

fn each(
    prepared: &Prepared,
    cell: fn(&Value) -> String,
    mut take: impl FnMut(Vec<String>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let count = prepared.view.fields().len();
    let selected = prepared.select()?;
    let mut failed = None;
    selected.each::<ReportError>(|record| {
        let cells = (0..count).map(|place| record.get(place).map(cell).unwrap_or_default()).collect();
        match take(cells) {
            Ok(()) => Ok(true),
            Err(error) => {
                failed = Some(error);
                Ok(false)
            }
        }
    })?;
    failed.map_or(Ok(()), Err)
}

/// What a report says comes from the scanned hosts, and a spreadsheet runs what begins so.
fn csv_cell(value: &Value) -> String {
    let cell = cell(value);
    let is_text = matches!(value, Value::Text(_) | Value::List(_));
    if is_text && cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(list) => list.join(", "),
        Value::Severity(severity) => severity.name().to_owned(),
        Value::Integer(_) | Value::Number(_) | Value::Boolean(_) => json!(JsonValue(value)).to_string(),
    }
}
