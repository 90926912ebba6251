//! A writer that collects findings into batches and hands them to the host.
//! It numbers the fields, never splits a finding and reuses its buffers. It does not interpret values.

use std::collections::BTreeMap;

use crate::backend::findings::{Batch, Cell, emit};

#[cfg(test)]
mod tests;

/// A batch of this many bytes or cells is handed over at the next finding.
// A batch of this size stays in a core's cache while both sides read it.
const BATCH_BYTES: usize = 256 * 1024;
const BATCH_CELLS: usize = 100_000;
const BATCH_FINDINGS: usize = 10_000;

/// The number of a field in this report. Look a name up once and keep this if many findings have the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field(u32);

/// Where batches go.
type Sink<'a> = Box<dyn FnMut(&Batch) -> Result<(), String> + 'a>;

/// Writes one report's findings. Use one writer in a `parse` call, since it numbers the fields, and end with
/// [`Findings::finish`].
pub struct Findings<'a> {
    sink: Sink<'a>,
    // Not a `HashMap`, for which a component would have to import randomness.
    fields: BTreeMap<String, Field>,
    // Invariant: the counts in `batch.findings` add up to the length of `batch.cells`.
    batch: Batch,
}

impl Findings<'static> {
    /// Creates a writer that hands findings to the host.
    pub fn new() -> Self {
        Self::into_sink(emit)
    }
}

impl Default for Findings<'static> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Findings<'a> {
    /// Creates a writer that hands findings to something other than the host, for tests and benchmarks.
    pub fn into_sink(sink: impl FnMut(&Batch) -> Result<(), String> + 'a) -> Self {
        let batch = Batch { new_fields: Vec::new(), arena: Vec::new(), cells: Vec::new(), findings: Vec::new() };
        Self { sink: Box::new(sink), fields: BTreeMap::new(), batch }
    }

    /// Begins the next finding. If the findings so far are enough for a batch, it goes to the host first.
    pub fn begin_finding(&mut self) -> Result<(), String> {
        let Batch { arena, cells, findings, .. } = &self.batch;
        if arena.len() >= BATCH_BYTES || cells.len() >= BATCH_CELLS || findings.len() >= BATCH_FINDINGS {
            self.flush()?;
        }
        self.batch.findings.push(0);
        Ok(())
    }

    /// Adds a value to the finding. A field may have several values; an empty value is ignored.
    ///
    /// # Panics
    /// If no finding was begun.
    pub fn cell(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            let field = self.field(name);
            self.put(field, value);
        }
    }

    /// Returns the number of the field with this name; a new name gets a new number.
    pub fn field(&mut self, name: &str) -> Field {
        if let Some(field) = self.fields.get(name) {
            return *field;
        }
        let field = Field(u32::try_from(self.fields.len()).expect("four billion field names do not fit into memory"));
        self.fields.insert(name.to_owned(), field);
        self.batch.new_fields.push(name.to_owned());
        field
    }

    /// Adds a value like [`Findings::cell`], for a field that was looked up before.
    ///
    /// # Panics
    /// If no finding was begun.
    pub fn put(&mut self, field: Field, value: &str) {
        if value.is_empty() {
            return;
        }
        let narrow = |bytes: usize| u32::try_from(bytes).expect("a batch is smaller than the guest's memory");
        let count = self.batch.findings.last_mut().expect("a cell belongs to a finding");
        *count += 1;
        self.batch.cells.push(Cell {
            field: field.0,
            offset: narrow(self.batch.arena.len()),
            length: narrow(value.len()),
        });
        self.batch.arena.extend_from_slice(value.as_bytes());
    }

    /// Hands the remaining findings over.
    pub fn finish(mut self) -> Result<(), String> {
        self.flush()
    }

    fn flush(&mut self) -> Result<(), String> {
        if self.batch.findings.is_empty() && self.batch.new_fields.is_empty() {
            return Ok(());
        }
        (self.sink)(&self.batch)?;
        self.batch.new_fields.clear();
        self.batch.arena.clear();
        self.batch.cells.clear();
        self.batch.findings.clear();
        Ok(())
    }
}
