//! Prints findings, as a table for people or in a file format for programs.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use scanhost_domain::visible::visible;
use scanhost_results::{
    PreparedQuery,
    export::{self, FileFormat},
    jsonl::ScanMetadata,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON lines as in get_scan_results
    Jsonl,
    /// A table for people
    Table,
    /// For spreadsheets: lists are joined by a comma and a blank, and text that would be a formula gets an apostrophe in
    /// front
    Csv,
    /// For data analysis, with types; cannot be written to a terminal
    Parquet,
}

impl Format {
    /// Checks that standard output can take this format.
    pub fn permit_output(self) -> anyhow::Result<()> {
        if self == Self::Parquet && io::stdout().is_terminal() {
            anyhow::bail!("parquet is a binary format: write it to a file, as with `> findings.parquet`");
        }
        Ok(())
    }
}

/// Prints the findings. It reads files, so call it where blocking is allowed.
pub fn print(prepared: &PreparedQuery, metadata: &ScanMetadata, format: Format) -> anyhow::Result<()> {
    let is_closed = AtomicBool::new(false);
    let mut out = io::BufWriter::new(Pipe { out: io::stdout(), is_closed: &is_closed });
    let write = |format, out: &mut _| Ok(export::write(prepared, metadata, format, out)?);
    let printed = match format {
        Format::Jsonl => write(FileFormat::Jsonl, &mut out),
        Format::Csv => write(FileFormat::Csv, &mut out),
        Format::Parquet => write(FileFormat::Parquet, &mut out),
        Format::Table => table(prepared, &mut out),
    };
    let printed = printed.and_then(|()| Ok(out.flush()?));
    if printed.is_ok()
        && matches!(format, Format::Csv | Format::Parquet)
        && let Some(part) = part(prepared)?
    {
        eprintln!("{part}");
    }
    // Some libraries hide a broken pipe in errors of their own.
    if is_closed.load(Ordering::Relaxed) { Err(io::Error::from(io::ErrorKind::BrokenPipe).into()) } else { printed }
}

/// Standard output, which notes when its reader has gone.
struct Pipe<'a> {
    out: io::Stdout,
    is_closed: &'a AtomicBool,
}

impl Pipe<'_> {
    fn note_closed<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            if error.kind() == io::ErrorKind::BrokenPipe {
                self.is_closed.store(true, Ordering::Relaxed);
            }
        })
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.note_closed(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.note_closed(flushed)
    }
}

fn table(prepared: &PreparedQuery, out: &mut impl Write) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if !io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(export::names(&prepared.view));
    let mut rows = 0_u64;
    export::each(prepared, export::cell, |cells| {
        rows += 1;
        table.add_row(cells.into_iter().map(|cell| visible(&cell)));
        anyhow::Ok(())
    })?;
    if !prepared.view.fields().is_empty() {
        writeln!(out, "{table}")?;
    }
    let summary = match part(prepared)? {
        Some(part) => part,
        None => format!("{rows} {}", records(prepared)),
    };
    writeln!(out, "{summary}")?;
    Ok(())
}

/// Says which part of all records is printed, for formats that do not say it themselves.
fn part(prepared: &PreparedQuery) -> anyhow::Result<Option<String>> {
    let Some((shown, total)) = prepared.part()? else { return Ok(None) };
    let records = records(prepared);
    let shown = if shown.is_empty() { "none".into() } else { format!("{} to {}", shown.start + 1, shown.end) };
    Ok(Some(format!("{shown} of {total} {records}; --page 0 prints all")))
}

fn records(prepared: &PreparedQuery) -> &'static str {
    if prepared.view.is_grouped() { "groups" } else { "findings" }
}
