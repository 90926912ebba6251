//! Findings as rows of a file: for each its length, then field, length and text of every value.

use std::io::{self, Read, Write};

use scanhost_domain::{
    field::Columns,
    finding::{FieldIndex, Finding, Value},
};

use super::report::ReportError;

/// Bytes of a row: more than a batch's arena holds. A longer one was put together from overlapping cells, or is damage.
const MAX_ROW: usize = 32 << 20;

/// Puts rows together and writes them.
pub struct RowWriter<W> {
    file: W,
    row: Vec<u8>,
}

impl<W: Write> RowWriter<W> {
    pub fn new(file: W) -> Self {
        Self { file, row: Vec::new() }
    }

    /// Adds a value to the row.
    ///
    /// # Errors
    /// When the row becomes longer than any honest one.
    pub fn put(&mut self, field: FieldIndex, text: &str) -> Result<(), &'static str> {
        if self.row.len() + text.len() > MAX_ROW {
            return Err("a finding has more text than its batch");
        }
        let length = u32::try_from(text.len()).expect("a batch's arena is bounded far below 4 GiB");
        self.row.extend_from_slice(&field.0.to_le_bytes());
        self.row.extend_from_slice(&length.to_le_bytes());
        self.row.extend_from_slice(text.as_bytes());
        Ok(())
    }

    pub fn end_row(&mut self) -> io::Result<()> {
        let length = u32::try_from(self.row.len()).expect("a row is bounded far below 4 GiB");
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(&self.row)?;
        self.row.clear();
        Ok(())
    }

    pub fn file_mut(&mut self) -> &mut W {
        &mut self.file
    }
}

/// Reads rows back as findings.
pub struct RowReader<'a, R> {
    file: R,
    columns: &'a Columns,
    left: u64,
    row: Vec<u8>,
}

impl<'a, R: Read> RowReader<'a, R> {
    pub fn new(file: R, columns: &'a Columns, rows: u64) -> Self {
        Self { file, columns, left: rows, row: Vec::new() }
    }

    fn read(&mut self) -> Result<Finding, ReportError> {
        let mut length = [0; 4];
        self.file.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        let length = length as usize;
        if length > MAX_ROW {
            return Err(ReportError::Damaged("a row has an impossible length".into()));
        }
        self.row.resize(length, 0);
        self.file.read_exact(&mut self.row)?;
        decode(&self.row, self.columns).ok_or_else(|| ReportError::Damaged("a row is not well formed".into()))
    }
}

impl<R: Read> Iterator for RowReader<'_, R> {
    type Item = Result<Finding, ReportError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let finding = self.read();
        if finding.is_err() {
            self.left = 0;
        }
        Some(finding)
    }
}

fn decode(mut row: &[u8], columns: &Columns) -> Option<Finding> {
    let mut finding = Finding::default();
    while !row.is_empty() {
        let (field, rest) = row.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        row = rest;
        let field = FieldIndex(u32::from_le_bytes(*field));
        if field.0 as usize >= columns.iter().len() {
            return None;
        }
        let value = Value::read(columns.column(field).field_type, std::str::from_utf8(text).ok()?)?;
        finding.add(field, value);
    }
    Some(finding)
}
