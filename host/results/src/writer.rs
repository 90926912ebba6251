//! Writes a plugin's batches as findings on disk. Here the text of a report gets its types.

use std::{
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use scanhost_domain::{
    field::Columns,
    finding::{Severity, Value},
    scan::{SeverityCounts, Summary, Warning},
};
use scanhost_sandbox::{
    BackendDescription, ReportInfo,
    capability::{Batch, Cell, FindingSink},
};
use scanhost_system::{
    atomic,
    disk::{PendingSync, SyncingWriter},
};
use tempfile::NamedTempFile;

use super::{
    error::ReportError,
    meta::ReportMeta,
    report::{Report, path},
    segment_writer::{Bounds, Mistyped, SegmentWriter},
};

#[cfg(test)]
mod tests;

const MAX_ARENA: usize = 8 << 20;
const MAX_VALUES: u64 = 16 << 20;
const MAX_CELLS: usize = 1_000_000;
const MAX_FINDINGS: usize = 50_000;
const MAX_FIELDS: usize = 4_096;
const MAX_FIELD_NAME: usize = 128;

/// How the names of unfinished files begin.
const PART: &str = "findings-";

/// The error for a guest that emits a batch after its call was abandoned.
const FINISHED: &str = "the report has already been read";

/// Writes the findings of one report. The plugin emits them into the [`sink`](Self::sink).
pub struct FindingsWriter {
    folder: PathBuf,
    writing: Arc<Mutex<Writing>>,
}

struct Writing {
    // None once the report is finished.
    segments: Option<SegmentWriter<BufWriter<SyncingWriter<NamedTempFile>>>>,
    /// The segment writer's number of each of the plugin's fields.
    fields: Vec<usize>,
    severity: SeverityCounts,
    total: u64,
    /// How many values were not of their field's type.
    mistyped: u64,
}

impl FindingsWriter {
    /// Removes the files of a process that was killed while it wrote. No other writer may be active in this folder.
    pub fn discard_unfinished(folder: &Path) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PART) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Begins to write in this folder. Existing findings stay in use until [`finish`](Self::finish).
    pub fn create(folder: &Path, backend: &BackendDescription) -> Result<Self, ReportError> {
        let declared = backend.fields.iter().map(|(name, field_type, _)| (name.clone(), *field_type));
        Self::with_bounds(folder, Columns::new(declared), Bounds::USUAL)
    }

    fn with_bounds(folder: &Path, columns: Columns, bounds: Bounds) -> Result<Self, ReportError> {
        // The file has a name of its own, and is removed with a writer that does not finish.
        let part = tempfile::Builder::new().prefix(PART).tempfile_in(folder)?;
        let part = BufWriter::with_capacity(
            64 << 10,
            SyncingWriter::new(part, NamedTempFile::as_file, PendingSync::default())?,
        );
        let segments = SegmentWriter::new(part, columns, bounds);
        let writing = Writing {
            segments: Some(segments),
            fields: Vec::new(),
            severity: SeverityCounts::default(),
            total: 0,
            mistyped: 0,
        };
        Ok(Self { folder: folder.to_owned(), writing: Arc::new(Mutex::new(writing)) })
    }

    pub fn sink(&self) -> Box<dyn FindingSink> {
        Box::new(Sink(self.writing.clone()))
    }

    /// Makes the written findings durable and readable, in place of existing ones.
    pub fn finish(self, backend: &str, info: ReportInfo) -> Result<Summary, ReportError> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut warnings: Vec<_> =
            info.warnings.into_iter().map(|warning| Warning { code: warning.code, message: warning.message }).collect();
        if writing.mistyped > 0 {
            let message =
                format!("{} values were left out because they are not of their field's type", writing.mistyped);
            warnings.push(Warning { code: "mistyped_values".into(), message });
        }
        let summary = Summary {
            hosts_scanned: info.hosts,
            total_vulnerabilities: writing.total,
            severity_counts: writing.severity,
            authentication: info.authentication,
            warnings,
        };
        let segments = writing.segments.take().ok_or_else(|| io::Error::other(FINISHED))?;
        let names = (info.name, info.targets);
        let file = Report::finish(segments.finish()?, |columns| {
            ReportMeta::new(backend.to_owned(), names, &summary, columns)
        })?;
        let part = file.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
        part.as_file().sync_all()?;
        let whole = path(&self.folder);
        part.persist(&whole).map_err(|error| error.error)?;
        atomic::sync_folder(&whole)?;
        Ok(summary)
    }
}

struct Sink(Arc<Mutex<Writing>>);

impl FindingSink for Sink {
    fn emit(&mut self, batch: Batch) -> Result<(), String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(batch)
    }
}

impl Writing {
    fn take(&mut self, batch: Batch) -> Result<(), String> {
        if batch.arena.len() > MAX_ARENA || batch.cells.len() > MAX_CELLS || batch.findings.len() > MAX_FINDINGS {
            return Err(format!(
                "a batch may have at most {MAX_ARENA} bytes, {MAX_CELLS} cells and {MAX_FINDINGS} findings"
            ));
        }
        let bytes: u64 = batch.cells.iter().map(|cell| u64::from(cell.length)).sum();
        if bytes > MAX_VALUES {
            return Err(format!(
                "the cells of a batch may have at most {MAX_VALUES} bytes, with shared bytes counted for each cell"
            ));
        }
        let segments = self.segments.as_mut().ok_or(FINISHED)?;
        declare(segments, &mut self.fields, batch.new_fields)?;
        let arena = Arena::new(&batch.arena);
        let mut cells = batch.cells.iter();
        for count in &batch.findings {
            let mut severity = None;
            for _ in 0..*count {
                let cell = cells.next().ok_or("the findings of a batch have more cells than the batch")?;
                let field = self.fields.get(cell.field as usize).ok_or("a cell names a field that was not declared")?;
                let text = arena.text(cell)?;
                if text.is_empty() {
                    continue;
                }
                match segments.take(*field, text) {
                    Ok(Some(Value::Severity(found))) => {
                        severity.get_or_insert(found);
                    }
                    Ok(_) => {}
                    Err(Mistyped) => self.mistyped += 1,
                }
            }
            self.severity.count(severity.unwrap_or(Severity::Info));
            self.total += 1;
            segments.end_row().map_err(|error| format!("the findings cannot be stored: {}", error.kind()))?;
        }
        if cells.next().is_some() { Err("a batch has more cells than its findings".into()) } else { Ok(()) }
    }
}

fn declare(
    segments: &mut SegmentWriter<impl io::Write>,
    fields: &mut Vec<usize>,
    names: Vec<String>,
) -> Result<(), String> {
    if fields.len() + names.len() > MAX_FIELDS {
        return Err(format!("a report may have at most {MAX_FIELDS} fields"));
    }
    for name in names {
        if !(1..=MAX_FIELD_NAME).contains(&name.len()) || name.chars().any(char::is_control) {
            return Err("the name of a field must have 1 to 128 bytes and no control characters".into());
        }
        fields.push(segments.field(name));
    }
    Ok(())
}

/// The bytes of a batch, which contain the texts of its cells.
struct Arena<'a> {
    bytes: &'a [u8],
    /// The bytes as text, if all of them are: one check costs less than one for each cell.
    text: Option<&'a str>,
}

impl<'a> Arena<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, text: std::str::from_utf8(bytes).ok() }
    }

    fn text(&self, cell: &Cell) -> Result<&'a str, String> {
        let (start, length) = (cell.offset as usize, cell.length as usize);
        let bytes = start.checked_add(length).and_then(|end| self.bytes.get(start..end));
        let bytes = bytes.ok_or("a cell points outside of the arena of its batch")?;
        match self.text {
            Some(text) => text.get(start..start + length).ok_or(()),
            None => std::str::from_utf8(bytes).map_err(|_| ()),
        }
        .map_err(|()| "a cell's text is not UTF-8".to_owned())
    }
}
