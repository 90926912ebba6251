//! Findings as files for other programs: JSON lines as over MCP, CSV for spreadsheets, Parquet for analysts.

mod error;
mod parquet;

pub use error::ExportError;

use std::io::Write;

use scanhost_domain::finding::Value;
use serde_json::json;

use crate::{JsonValue, PreparedQuery, ReportError, View, jsonl::ScanMetadata, rows::ShapeError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    Jsonl,
    Csv,
    Parquet,
}

impl FileFormat {
    pub const ALL: [Self; 3] = [Self::Jsonl, Self::Csv, Self::Parquet];

    /// The extension of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// Writes the findings. This reads files: call it where blocking is allowed.
pub fn write(
    prepared: &PreparedQuery,
    metadata: &ScanMetadata,
    format: FileFormat,
    out: &mut (impl Write + Send),
) -> Result<(), ExportError> {
    match format {
        FileFormat::Jsonl => Ok(prepared.write(out, metadata, None, None)?),
        FileFormat::Csv => csv(prepared, out),
        FileFormat::Parquet => parquet::write(prepared, out),
    }
}

fn csv(prepared: &PreparedQuery, out: &mut impl Write) -> Result<(), ExportError> {
    let mut writer = csv::Writer::from_writer(out);
    // A report without findings may have no fields.
    if !prepared.view.fields().is_empty() {
        writer.write_record(names(&prepared.view))?;
    }
    each(prepared, csv_cell, |cells| -> Result<(), ExportError> { Ok(writer.write_record(cells)?) })?;
    writer.flush()?;
    Ok(())
}

/// The fields' names, in their order.
pub fn names(view: &View) -> Vec<&str> {
    view.fields().iter().map(|field| field.name.as_str()).collect()
}

/// Calls `take` with the cells of every row.
pub fn each<E: From<ReportError> + From<ShapeError>>(
    prepared: &PreparedQuery,
    cell: fn(&Value) -> String,
    mut take: impl FnMut(Vec<String>) -> Result<(), E>,
) -> Result<(), E> {
    let count = prepared.view.fields().len();
    prepared.each(|row| {
        take((0..count).map(|place| row.get(place).map(cell).unwrap_or_default()).collect())?;
        Ok(true)
    })
}

/// A cell that a spreadsheet does not run: text of a report comes from scanned hosts, and spreadsheets run text that begins
/// with one of these characters.
fn csv_cell(value: &Value) -> String {
    let cell = cell(value);
    let is_text = matches!(value, Value::Text(_) | Value::List(_));
    if is_text && cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

pub fn cell(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(list) => list.join(", "),
        Value::Severity(severity) => severity.name().to_owned(),
        Value::Integer(_) | Value::Number(_) | Value::Boolean(_) => json!(JsonValue(value)).to_string(),
    }
}
