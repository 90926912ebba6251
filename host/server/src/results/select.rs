//! Which findings of a segment match. Only the columns of the filters are read, and each term is asked once for each
//! distinct value.

use scanhost_domain::filter::Filters;

use super::report::{Report, ReportError};

/// The rows of a segment that match, in order.
///
/// # Errors
/// When the columns cannot be read.
pub fn matching(report: &Report, filters: &Filters, segment: usize) -> Result<Rows, ReportError> {
    let rows = report.segments()[segment].rows;
    let mut found = Rows::All(rows);
    let mut columns = Vec::new();
    for term in filters.terms() {
        // A finding without the field never matches.
        let Some(column) = term.field.and_then(|field| report.column(segment, field)) else { return Ok(Rows::none()) };
        columns.push((column, &term.term));
    }
    // Small dictionaries first: often they leave nothing to look for in the large ones.
    columns.sort_by_key(|(column, _)| column.heap());
    for (column, term) in columns {
        let holding = column.holding(term)?;
        if !holding.contains(&true) {
            return Ok(Rows::none());
        }
        let codes = column.codes()?;
        let holds = |row: &u32| holding[codes[*row as usize] as usize];
        found = Rows::Some(match found {
            Rows::All(rows) => (0..rows).filter(holds).collect(),
            Rows::Some(mut some) => {
                some.retain(holds);
                some
            }
        });
    }
    Ok(found)
}

/// Rows of one segment.
pub enum Rows {
    /// So many, which is all of them.
    All(u32),
    /// In order.
    Some(Vec<u32>),
}

impl Rows {
    fn none() -> Self {
        Self::Some(Vec::new())
    }

    pub fn count(&self) -> u64 {
        match self {
            Self::All(rows) => u64::from(*rows),
            Self::Some(rows) => rows.len() as u64,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let (all, some) = match self {
            Self::All(rows) => (0..*rows, [].as_slice()),
            Self::Some(rows) => (0..0, rows.as_slice()),
        };
        all.chain(some.iter().copied())
    }
}
