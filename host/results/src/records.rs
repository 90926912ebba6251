//! Findings with some of their fields, read column by column. Equal values are there once.

use scanhost_domain::{field::FieldIndex, finding::Value};

use super::{error::ReportError, report::Report};

/// A finding's place in its report. Places are ordered as the findings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
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
    /// For each record the place of its value in `values`, and none for a record without one.
    of_row: Vec<Option<u32>>,
}

/// One record.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    records: &'a Records,
    row: usize,
}

impl<'a> Record<'a> {
    /// The value of the field at this place among those that were asked for.
    pub fn get(self, field: usize) -> Option<&'a Value> {
        let cells = &self.records.fields[field];
        cells.of_row[self.row].map(|place| &cells.values[place as usize])
    }
}

impl Records {
    pub fn new(rows: usize, fields: Vec<Cells>) -> Self {
        Self { rows, fields }
    }

    /// Reads the findings at these places, in this order, with these fields; a field that the report does not have is
    /// none.
    ///
    /// # Errors
    /// When the columns cannot be read.
    pub fn read(report: &Report, places: &[Place], fields: &[Option<FieldIndex>]) -> Result<Self, ReportError> {
        let read = |field: &Option<FieldIndex>| match field {
            Some(field) => Cells::read(report, places, *field),
            None => Ok(Cells { values: Vec::new(), of_row: vec![None; places.len()] }),
        };
        Ok(Self::new(places.len(), fields.iter().map(read).collect::<Result<_, _>>()?))
    }

    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        (0..self.rows).map(|row| Record { records: self, row })
    }
}

impl Cells {
    /// Of values that are all different things.
    pub fn of(values: impl Iterator<Item = Option<Value>>) -> Self {
        let mut cells = Self::default();
        for value in values {
            cells.of_row.push(value.is_some().then(|| narrow(cells.values.len())));
            cells.values.extend(value);
        }
        cells
    }

    /// The same for more records: these are at `rows` of so many, and the others have none.
    pub fn spread(mut self, rows: &[usize], count: usize) -> Self {
        let mut of_row = vec![None; count];
        for (row, place) in rows.iter().zip(&self.of_row) {
            of_row[*row] = *place;
        }
        self.of_row = of_row;
        self
    }

    /// One field of the findings at these places.
    pub fn read(report: &Report, places: &[Place], field: FieldIndex) -> Result<Self, ReportError> {
        let mut cells = Self { values: Vec::new(), of_row: vec![None; places.len()] };
        let mut by_segment: Vec<usize> = (0..places.len()).collect();
        by_segment.sort_unstable_by_key(|index| places[*index]);
        for here in by_segment.chunk_by(|a, b| places[*a].segment == places[*b].segment) {
            let Some(column) = here.first().and_then(|first| report.column(places[*first].segment as usize, field))
            else {
                continue;
            };
            let rows: Vec<u32> = here.iter().map(|index| places[*index].row).collect();
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
