//! Findings with some of their fields, read column by column. Equal values are stored once.

use scanhost_domain::{field::FieldIndex, finding::Value};

use super::{error::ReportError, report::Report};

/// The position of a finding in its report. Positions are ordered like the findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub segment: u32,
    pub row: u32,
}

/// Some records, each with the same fields.
#[derive(Default)]
pub struct Records {
    rows: usize,
    fields: Vec<Cells>,
}

/// The values of one field.
#[derive(Default)]
pub struct Cells {
    values: Vec<Value>,
    /// The place of each record's value in `values`; none for a record without one.
    of_row: Vec<Option<u32>>,
}

/// One record.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    records: &'a Records,
    row: usize,
}

impl<'a> Record<'a> {
    /// The value of the requested field at this place.
    pub fn get(self, field: usize) -> Option<&'a Value> {
        let cells = &self.records.fields[field];
        cells.of_row[self.row].map(|place| &cells.values[place as usize])
    }
}

impl Records {
    pub fn new(rows: usize, fields: Vec<Cells>) -> Self {
        Self { rows, fields }
    }

    /// Reads the findings at these positions, in this order, with these fields. A field that the report does not have is
    /// none.
    pub fn read(report: &Report, positions: &[Position], fields: &[Option<FieldIndex>]) -> Result<Self, ReportError> {
        let read = |field: &Option<FieldIndex>| match field {
            Some(field) => Cells::read(report, positions, *field),
            None => Ok(Cells { values: Vec::new(), of_row: vec![None; positions.len()] }),
        };
        Ok(Self::new(positions.len(), fields.iter().map(read).collect::<Result<_, _>>()?))
    }

    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        (0..self.rows).map(|row| Record { records: self, row })
    }
}

impl Cells {
    /// Cells of these values, each of which is stored.
    pub fn of(values: impl Iterator<Item = Option<Value>>) -> Self {
        let mut cells = Self::default();
        for value in values {
            cells.of_row.push(value.is_some().then(|| narrow(cells.values.len())));
            cells.values.extend(value);
        }
        cells
    }

    /// Spreads the cells over `count` records: they go to `rows`, and the other records have no value.
    pub fn spread(mut self, rows: &[usize], count: usize) -> Self {
        let mut of_row = vec![None; count];
        for (row, place) in rows.iter().zip(&self.of_row) {
            of_row[*row] = *place;
        }
        self.of_row = of_row;
        self
    }

    /// Reads one field of the findings at these positions.
    pub fn read(report: &Report, positions: &[Position], field: FieldIndex) -> Result<Self, ReportError> {
        let mut cells = Self { values: Vec::new(), of_row: vec![None; positions.len()] };
        let mut by_segment: Vec<usize> = (0..positions.len()).collect();
        by_segment.sort_unstable_by_key(|index| positions[*index]);
        for here in by_segment.chunk_by(|a, b| positions[*a].segment == positions[*b].segment) {
            let Some(column) = here.first().and_then(|first| report.column(positions[*first].segment as usize, field))
            else {
                continue;
            };
            let rows: Vec<u32> = here.iter().map(|index| positions[*index].row).collect();
            let codes = column.codes_at(&rows)?;
            let mut wanted: Vec<u32> = codes.iter().copied().filter(|code| *code > 0).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let first = cells.values.len();
            cells.values.extend(column.values_of(&wanted)?);
            for (index, code) in here.iter().zip(&codes) {
                let place = wanted.binary_search(code).ok();
                cells.of_row[*index] = place.map(|place| narrow(first + place));
            }
        }
        Ok(cells)
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("records are read a few at a time")
}
