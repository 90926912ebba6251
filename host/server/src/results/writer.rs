//! From a plugin's batches to findings on disk: the place where a report's text gets its types.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use scanhost_domain::{
    field::{Columns, FieldType},
    finding::{FieldIndex, Severity, Value},
    scan::{SeverityCounts, Summary, Warning},
};
use scanhost_sandbox::{
    BackendDescription, ReportInfo,
    capability::{Batch, Cell, FindingSink},
};

use super::{
    report::{ReportError, ReportMeta, meta_path, rows_path},
    rows::RowWriter,
};
use crate::store::atomic;

const MAX_ARENA: usize = 8 << 20;
const MAX_CELLS: usize = 1_000_000;
const MAX_FINDINGS: usize = 50_000;
const MAX_FIELDS: usize = 4_096;
const MAX_FIELD_NAME: usize = 128;

/// Takes the findings of one report. The plugin's side of it is [`sink`](Self::sink).
pub struct FindingsWriter(Arc<Mutex<Writing>>);

struct Writing {
    folder: PathBuf,
    rows: RowWriter<BufWriter<File>>,
    columns: Columns,
    /// The plugin's fields by its own index; the place is known once a value has been stored.
    fields: Vec<Field>,
    severity: SeverityCounts,
    total: u64,
    /// Values that were not of their field's type.
    mistyped: u64,
}

struct Field {
    name: String,
    field_type: FieldType,
    place: Option<FieldIndex>,
}

impl FindingsWriter {
    /// Begins anew in this folder; what an earlier attempt left is overwritten.
    ///
    /// # Errors
    /// Of the file system.
    pub fn create(folder: &Path, backend: &BackendDescription) -> Result<Self, ReportError> {
        // Without its description no half-written file is taken for a whole one.
        match std::fs::remove_file(meta_path(folder)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let rows = BufWriter::with_capacity(256 << 10, File::create(rows_path(folder))?);
        let declared = backend.fields.iter().map(|(name, field_type, _)| (name.clone(), *field_type));
        Ok(Self(Arc::new(Mutex::new(Writing {
            folder: folder.to_owned(),
            rows: RowWriter::new(rows),
            columns: Columns::new(declared),
            fields: Vec::new(),
            severity: SeverityCounts::default(),
            total: 0,
            mistyped: 0,
        }))))
    }

    pub fn sink(&self) -> Box<dyn FindingSink> {
        Box::new(Sink(self.0.clone()))
    }

    /// Makes what was written durable and readable.
    ///
    /// # Errors
    /// Of the file system.
    pub fn finish(self, backend: &str, info: ReportInfo) -> Result<Summary, ReportError> {
        let mut writing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writing.rows.flush()?;
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
        let meta = ReportMeta::new(backend.to_owned(), (info.name, info.targets), &summary, &writing.columns);
        let meta = serde_json::to_vec(&meta).expect("a report's description has string keys and no foreign types");
        atomic::write(&meta_path(&writing.folder), &meta)?;
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
                "a batch may have {MAX_ARENA} bytes, {MAX_CELLS} cells and {MAX_FINDINGS} findings, not more"
            ));
        }
        let bytes: u64 = batch.cells.iter().map(|cell| u64::from(cell.length)).sum();
        if bytes > 2 * MAX_ARENA as u64 {
            return Err("the cells of a batch overlap".into());
        }
        self.declare(batch.new_fields)?;
        let mut cells = batch.cells.iter();
        for count in &batch.findings {
            let mut severity = None;
            for _ in 0..*count {
                let cell = cells.next().ok_or("the findings of a batch have more cells than the batch")?;
                let text = text(&batch.arena, cell)?;
                if let Some(Value::Severity(found)) = self.put(cell.field, text)? {
                    severity.get_or_insert(found);
                }
            }
            self.severity.count(severity.unwrap_or(Severity::Info));
            self.total += 1;
            self.rows.end_row().map_err(|error| format!("the findings cannot be stored: {}", error.kind()))?;
        }
        if cells.next().is_some() { Err("a batch has more cells than its findings".into()) } else { Ok(()) }
    }

    fn declare(&mut self, names: Vec<String>) -> Result<(), String> {
        if self.fields.len() + names.len() > MAX_FIELDS {
            return Err(format!("a report may have {MAX_FIELDS} fields, not more"));
        }
        for name in names {
            if !(1..=MAX_FIELD_NAME).contains(&name.len()) || name.chars().any(char::is_control) {
                return Err("a field's name is not 1 to 128 bytes without control characters".into());
            }
            let field_type = self.columns.type_of(&name).unwrap_or(FieldType::Text);
            self.fields.push(Field { name, field_type, place: None });
        }
        Ok(())
    }

    /// Stores the value when it is of its field's type, and says what it is where that matters for the whole report.
    fn put(&mut self, field: u32, text: &str) -> Result<Option<Value>, String> {
        let field = self.fields.get_mut(field as usize).ok_or("a cell names a field that was not declared")?;
        if text.is_empty() {
            return Ok(None);
        }
        let value = match field.field_type {
            // Any text will do, so nothing has to be read.
            FieldType::Text | FieldType::List => None,
            other => match Value::read(other, text) {
                Some(value) => Some(value),
                None => {
                    self.mistyped += 1;
                    return Ok(None);
                }
            },
        };
        let place = *field.place.get_or_insert_with(|| self.columns.appear(&field.name));
        self.rows.put(place, text)?;
        Ok(value)
    }
}

impl RowWriter<BufWriter<File>> {
    fn flush(&mut self) -> std::io::Result<()> {
        let file = self.file_mut();
        file.flush()?;
        file.get_ref().sync_all()
    }
}

fn text<'a>(arena: &'a [u8], cell: &Cell) -> Result<&'a str, String> {
    let (start, length) = (cell.offset as usize, cell.length as usize);
    let bytes = start.checked_add(length).and_then(|end| arena.get(start..end));
    let bytes = bytes.ok_or("a cell points outside its batch's arena")?;
    std::str::from_utf8(bytes).map_err(|_| "a cell's text is not UTF-8".to_owned())
}
