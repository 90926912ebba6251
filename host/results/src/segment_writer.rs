//! Writes findings into segments: they are gathered in memory up to a bound, then written column by column.

use std::io::{self, Write};

use scanhost_domain::{
    field::{Columns, FieldIndex, FieldType},
    finding::Value,
};

use super::{
    blocks::BlockWriter,
    column_writer::{ColumnWriter, Taken},
    directory::{MAX_ROWS, Segment},
};

/// The size at which a segment is written.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub bytes: usize,
    pub rows: u32,
}

impl Bounds {
    /// Not smaller, since each segment has its own copy of shared values; not larger, since a segment is in memory while a
    /// report is read.
    pub const USUAL: Self = Self { bytes: 8 << 20, rows: MAX_ROWS };
}

/// The bytes in memory are counted again after this many findings.
const COUNTED_ROWS: u32 = 64;

pub struct SegmentWriter<W> {
    out: BlockWriter<W>,
    columns: Columns,
    /// The fields, one for each name.
    fields: Vec<Field>,
    segments: Vec<Segment>,
    bounds: Bounds,
    rows: u32,
    /// The fields whose values wait for the end of the current finding.
    waiting: Vec<usize>,
    /// The bytes that were added since the last count.
    uncounted: usize,
}

struct Field {
    name: String,
    column: ColumnWriter,
    /// The field's index among the columns; none until a value was stored.
    place: Option<FieldIndex>,
}

/// The result of writing all segments.
pub struct Written<W> {
    pub out: BlockWriter<W>,
    pub columns: Columns,
    pub segments: Vec<Segment>,
}

impl<W: Write> SegmentWriter<W> {
    pub fn new(out: W, columns: Columns, bounds: Bounds) -> Self {
        let (fields, segments, waiting) = (Vec::new(), Vec::new(), Vec::new());
        Self { out: BlockWriter::new(out), columns, fields, segments, bounds, rows: 0, waiting, uncounted: 0 }
    }

    /// The number of the field with this name, for [`take`](Self::take).
    pub fn field(&mut self, name: String) -> usize {
        if let Some(known) = self.fields.iter().position(|field| field.name == name) {
            return known;
        }
        let field_type = self.columns.type_of(&name).unwrap_or(FieldType::Text);
        self.fields.push(Field { name, column: ColumnWriter::new(field_type), place: None });
        self.fields.len() - 1
    }

    /// Takes a value of the current finding, which is not empty. Returns the value if its type has a fixed size.
    ///
    /// # Errors
    /// When the value is not of its field's type.
    pub fn take(&mut self, field: usize, text: &str) -> Result<Option<Value>, Mistyped> {
        let Field { name, column, place } = &mut self.fields[field];
        let was_waiting = column.is_waiting();
        let taken = match column.take(self.rows, text) {
            Taken::Waits => {
                if !was_waiting {
                    self.waiting.push(field);
                }
                None
            }
            Taken::Stored(value) => Some(value),
            Taken::Superfluous => None,
            Taken::Mistyped => return Err(Mistyped),
        };
        place.get_or_insert_with(|| self.columns.appear(name));
        self.uncounted += text.len();
        Ok(taken)
    }

    /// Ends the current finding.
    pub fn end_row(&mut self) -> io::Result<()> {
        for field in self.waiting.drain(..) {
            self.fields[field].column.end_row(self.rows);
        }
        self.rows += 1;
        let is_due = self.rows.is_multiple_of(COUNTED_ROWS) || self.uncounted >= self.bounds.bytes / 8;
        if self.rows >= self.bounds.rows || is_due && self.footprint() >= self.bounds.bytes {
            self.end_segment()?;
        }
        Ok(())
    }

    fn footprint(&mut self) -> usize {
        self.uncounted = 0;
        self.fields.iter().map(|field| field.column.footprint()).sum()
    }

    fn end_segment(&mut self) -> io::Result<()> {
        let mut parts = Vec::new();
        for field in &mut self.fields {
            if let Some(place) = field.place
                && !field.column.is_empty()
            {
                parts.push(field.column.write(place, self.rows, &mut self.out)?);
            }
            field.column.clear();
        }
        parts.sort_by_key(|part| part.field);
        self.segments.push(Segment { rows: self.rows, parts });
        self.rows = 0;
        Ok(())
    }

    /// Writes the last segment.
    pub fn finish(mut self) -> io::Result<Written<W>> {
        if self.rows > 0 {
            self.end_segment()?;
        }
        Ok(Written { out: self.out, columns: self.columns, segments: self.segments })
    }
}

/// A value that is not of its field's type.
#[derive(Clone, Copy, Debug)]
pub struct Mistyped;
