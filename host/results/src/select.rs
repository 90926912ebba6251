//! Finds the findings of a segment that match. Only the columns of the filters are read, and each term is evaluated once
//! for each distinct value.

use fixedbitset::FixedBitSet;
use scanhost_domain::filter::{Filters, Term};

use super::{column::Column, error::ReportError, report::Report};

/// The rows of a segment that match, in order.
pub fn matching(report: &Report, filters: &Filters, segment: usize) -> Result<Rows, ReportError> {
    let rows = report.segments()[segment].rows;
    let mut columns = Vec::new();
    for term in filters.terms() {
        // A finding without the field never matches.
        let Some(column) = term.field.and_then(|field| report.column(segment, field)) else { return Ok(Rows::none()) };
        columns.push((column, term));
    }
    // Small dictionaries first: often no rows are left for the large ones.
    columns.sort_by_key(|(column, _)| column.heap());
    let mut found = Rows::All(rows);
    for (column, term) in columns {
        let holding = report.filter_cache().rows(term, segment, || holding(&column, &term.term, rows))?;
        found = match found {
            Rows::All(_) => Rows::Some((*holding).clone()),
            Rows::Some(mut some) => {
                some.intersect_with(&holding);
                Rows::Some(some)
            }
        };
        if found.count() == 0 {
            break;
        }
    }
    Ok(found)
}

fn holding(column: &Column<'_>, term: &Term, rows: u32) -> Result<FixedBitSet, ReportError> {
    let holding = column.holding(term)?;
    if !holding.contains(&true) {
        return Ok(FixedBitSet::new());
    }
    let mut found = FixedBitSet::with_capacity(rows as usize);
    for (row, code) in column.codes()?.into_iter().enumerate() {
        found.set(row, holding[code as usize]);
    }
    Ok(found)
}

/// Rows of one segment.
pub enum Rows {
    /// All rows, of which there are this many.
    All(u32),
    Some(FixedBitSet),
}

impl Rows {
    fn none() -> Self {
        Self::Some(FixedBitSet::new())
    }

    pub fn count(&self) -> u64 {
        match self {
            Self::All(rows) => u64::from(*rows),
            Self::Some(rows) => rows.count_ones(..) as u64,
        }
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let (all, some) = match self {
            Self::All(rows) => (0..*rows, None),
            Self::Some(rows) => (0..0, Some(rows)),
        };
        let some = some.into_iter().flat_map(FixedBitSet::ones);
        all.chain(some.map(|row| u32::try_from(row).expect("rows of a segment")))
    }
}
