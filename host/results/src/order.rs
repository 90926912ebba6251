//! The order of findings that match: by some fields, each ascending or descending, and then as in the report.

use std::ops::Range;

use scanhost_domain::{
    field::{Columns, FieldIndex},
    filter::Filters,
};

use super::{
    error::ReportError,
    rank::Ranks,
    records::Position,
    report::Report,
    select::{Rows, matching},
};

/// Sort keys, the most important first. Empty keeps the report's order.
#[derive(Clone, Debug, Default)]
pub struct Order(Vec<Key>);

#[derive(Clone, Copy, Debug)]
struct Key {
    field: FieldIndex,
    descending: bool,
}

impl Order {
    /// Looks up the fields by name. A field that no finding has is left out.
    pub fn new(keys: &[(String, bool)], columns: &Columns) -> Self {
        let key =
            |(field, descending): &(String, bool)| Some(Key { field: columns.find(field)?, descending: *descending });
        Self(keys.iter().filter_map(key).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many findings match, and the positions of the `wanted` ones, in order.
    pub fn sort(
        &self,
        report: &Report,
        filters: &Filters,
        wanted: impl FnOnce(u64) -> Range<u64>,
    ) -> Result<(u64, Vec<Position>), ReportError> {
        let mut keyed = Keyed { width: self.0.len(), ..Keyed::default() };
        let ranks: Vec<Ranks> =
            self.0.iter().map(|key| Ranks::of_values(report, key.field)).collect::<Result<_, _>>()?;
        for (index, segment) in (0..report.segments().len()).zip(0..) {
            let rows = matching(report, filters, index)?;
            keyed.positions.extend(rows.iter().map(|row| Position { segment, row }));
            keyed.keys.resize(keyed.positions.len() * keyed.width, SortKey::ABSENT);
            for (at, (key, ranks)) in self.0.iter().zip(&ranks).enumerate() {
                keyed.fill(report, segment, &rows, at, *key, ranks)?;
            }
        }
        let total = keyed.positions.len() as u64;
        Ok((total, keyed.sorted(wanted(total))))
    }
}

/// The key of one field. A finding that lacks the field comes last in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey(u64);

impl SortKey {
    pub const ABSENT: Self = Self(u64::MAX);

    pub fn new(rank: u64, descending: bool) -> Self {
        Self(if descending { Self::ABSENT.0 - 1 - rank } else { rank })
    }
}

/// The positions of findings, with `width` keys for each.
#[derive(Default)]
struct Keyed {
    positions: Vec<Position>,
    keys: Vec<SortKey>,
    width: usize,
}

impl Keyed {
    /// Fills in one key of the last positions, which are those of one segment.
    fn fill(
        &mut self,
        report: &Report,
        segment: u32,
        rows: &Rows,
        at: usize,
        key: Key,
        ranks: &Ranks,
    ) -> Result<(), ReportError> {
        let Some(column) = report.column(segment as usize, key.field) else { return Ok(()) };
        let codes = column.codes()?;
        let first = self.keys.len() - usize::try_from(rows.count()).expect("rows of a segment") * self.width;
        let positions = self.keys[first..].chunks_exact_mut(self.width);
        for (keys, row) in positions.zip(rows.iter()) {
            if let [rank] = ranks.of(segment, codes[row as usize]) {
                keys[at] = SortKey::new(u64::from(*rank), key.descending);
            }
        }
        Ok(())
    }

    fn sorted(self, wanted: Range<u64>) -> Vec<Position> {
        let keys = |index: &u32| {
            let start = *index as usize * self.width;
            (&self.keys[start..start + self.width], *index)
        };
        let count = u32::try_from(self.positions.len()).expect("a report has fewer findings than that");
        let order = first_in_order((0..count).collect(), wanted, |a, b| keys(a).cmp(&keys(b)));
        order.into_iter().map(|index| self.positions[index as usize]).collect()
    }
}

/// The `wanted` items of the ordered list. The others are not sorted.
pub fn first_in_order<T>(
    mut all: Vec<T>,
    wanted: Range<u64>,
    compare: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> Vec<T> {
    let index = |place: u64| usize::try_from(place).expect("what is ordered is in memory");
    let (start, end) = (index(wanted.start), index(wanted.end));
    if end < all.len() {
        all.select_nth_unstable_by(end, &compare);
        all.truncate(end);
    }
    all.sort_unstable_by(&compare);
    all.drain(..start);
    all
}
