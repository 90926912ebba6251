//! The measures of groups, gathered segment by segment.

use scanhost_domain::{field::FieldIndex, finding::Value, group::Measure};

use super::{
    error::ReportError,
    group_values::{present, text_of},
    rank::Ranks,
    records::{Cells, Position},
    report::Report,
};

/// Pairs of group and value are made distinct when this many new ones were added.
const MANY_PAIRS: usize = 4 << 20;

/// One measure, over all groups so far.
pub enum Measured {
    Count(Vec<i64>),
    Distinct {
        over: Over,
        pairs: Pairs,
        counts: Vec<i64>,
    },
    Values {
        over: Over,
        limit: usize,
        ranks: Vec<Vec<u32>>,
    },
    Lowest {
        over: Over,
        ranks: Vec<Option<u32>>,
    },
    Highest {
        over: Over,
        ranks: Vec<Option<u32>>,
    },
    First {
        field: FieldIndex,
        positions: Vec<Option<Position>>,
    },
    /// The measure of a field that no finding has.
    Nothing {
        groups: usize,
        value: Option<Value>,
    },
}

/// The field that is measured.
pub struct Over {
    field: FieldIndex,
    ranks: Ranks,
}

/// Pairs of group and rank, of which the first `distinct` are distinct.
#[derive(Default)]
pub struct Pairs {
    pairs: Vec<(u32, u32)>,
    distinct: usize,
}

impl Measured {
    pub fn open(report: &Report, measure: &Measure, field: Option<FieldIndex>) -> Result<Self, ReportError> {
        let values = |field| Ok::<_, ReportError>(Over { field, ranks: Ranks::of_values(report, field)? });
        let elements = |field| Ok::<_, ReportError>(Over { field, ranks: Ranks::of_elements(report, field)? });
        Ok(match (measure, field) {
            (Measure::Count, _) => Self::Count(Vec::new()),
            (Measure::Distinct(_), None) => Self::Nothing { groups: 0, value: Some(Value::Integer(0)) },
            (_, None) => Self::Nothing { groups: 0, value: None },
            (Measure::Distinct(_), Some(field)) => {
                Self::Distinct { over: elements(field)?, pairs: Pairs::default(), counts: Vec::new() }
            }
            (Measure::Values { limit, .. }, Some(field)) => {
                Self::Values { over: elements(field)?, limit: *limit, ranks: Vec::new() }
            }
            (Measure::Lowest(_), Some(field)) => Self::Lowest { over: values(field)?, ranks: Vec::new() },
            (Measure::Highest(_), Some(field)) => Self::Highest { over: values(field)?, ranks: Vec::new() },
            (Measure::First(_), Some(field)) => Self::First { field, positions: Vec::new() },
        })
    }

    /// Adds findings of a segment. `members` has the group of each row.
    pub fn add(
        &mut self,
        report: &Report,
        segment: u32,
        rows: &[u32],
        members: &[u32],
        groups: u32,
    ) -> Result<(), ReportError> {
        let groups = groups as usize;
        match self {
            Self::Count(counts) => {
                counts.resize(groups, 0);
                members.iter().for_each(|group| counts[*group as usize] += 1);
            }
            Self::Nothing { groups: count, .. } => *count = groups,
            Self::Distinct { over, pairs, counts } => {
                counts.resize(groups, 0);
                over.each(report, segment, rows, members, |group, ranks| {
                    pairs.pairs.extend(ranks.iter().map(|rank| (group, *rank)));
                })?;
                if pairs.pairs.len() - pairs.distinct > MANY_PAIRS {
                    pairs.make_distinct();
                }
            }
            Self::Values { over, limit, ranks: found } => {
                found.resize_with(groups, Vec::new);
                over.each(report, segment, rows, members, |group, ranks| {
                    let found = &mut found[group as usize];
                    for rank in ranks {
                        if found.len() < *limit && !found.contains(rank) {
                            found.push(*rank);
                        }
                    }
                })?;
            }
            Self::Lowest { over, ranks: found } => {
                found.resize(groups, None);
                over.each(report, segment, rows, members, |group, ranks| {
                    let found = &mut found[group as usize];
                    *found = found.iter().chain(ranks).min().copied();
                })?;
            }
            Self::Highest { over, ranks: found } => {
                found.resize(groups, None);
                over.each(report, segment, rows, members, |group, ranks| {
                    let found = &mut found[group as usize];
                    *found = found.iter().chain(ranks).max().copied();
                })?;
            }
            Self::First { field, positions } => {
                positions.resize(groups, None);
                let Some(column) = report.column(segment as usize, *field) else { return Ok(()) };
                let codes = column.codes()?;
                for (row, group) in rows.iter().zip(members) {
                    if codes[*row as usize] > 0 {
                        positions[*group as usize].get_or_insert(Position { segment, row: *row });
                    }
                }
            }
        }
        Ok(())
    }

    /// Ends the measure after the last finding.
    pub fn finish(&mut self) {
        if let Self::Distinct { pairs, counts, .. } = self {
            pairs.make_distinct();
            pairs.pairs.iter().for_each(|(group, _)| counts[*group as usize] += 1);
            *pairs = Pairs::default();
        }
    }

    /// A number for each group that orders it among the others; none for a group without a value.
    pub fn ranks(&self, report: &Report) -> Result<Vec<Option<u64>>, ReportError> {
        let wide = |ranks: &[Option<u32>]| ranks.iter().map(|rank| rank.map(u64::from)).collect();
        Ok(match self {
            Self::Count(counts) | Self::Distinct { counts, .. } => {
                counts.iter().map(|count| Some(count.cast_unsigned())).collect()
            }
            Self::Lowest { ranks, .. } | Self::Highest { ranks, .. } => wide(ranks),
            Self::Nothing { groups, value } => vec![value.as_ref().map(|_| 0); *groups],
            Self::Values { ranks, .. } => {
                let mut distinct: Vec<&Vec<u32>> = ranks.iter().filter(|ranks| !ranks.is_empty()).collect();
                distinct.sort();
                distinct.dedup();
                ranks.iter().map(|ranks| distinct.binary_search(&ranks).ok().map(|rank| rank as u64)).collect()
            }
            Self::First { field, positions } => {
                let ranks = Ranks::of_values(report, *field)?;
                let (groups, present) = present(positions.iter().copied());
                let mut found = vec![None; positions.len()];
                for (group, rank) in groups.into_iter().zip(ranks.at(report, &present)?) {
                    found[group] = rank.map(u64::from);
                }
                found
            }
        })
    }

    /// The values of these groups.
    pub fn cells(&self, report: &Report, groups: &[u32]) -> Result<Cells, ReportError> {
        let by_rank = |over: &Over, found: &[Option<u32>]| {
            let ranks = || groups.iter().map(|group| found[*group as usize]);
            let values = over.ranks.values(report, ranks().flatten())?;
            Ok(Cells::of(ranks().map(|rank| rank.and_then(|rank| values.get(rank)).cloned())))
        };
        match self {
            Self::Count(counts) | Self::Distinct { counts, .. } => {
                Ok(Cells::of(groups.iter().map(|group| Some(Value::Integer(counts[*group as usize])))))
            }
            Self::Nothing { value, .. } => Ok(Cells::of(groups.iter().map(|_| value.clone()))),
            Self::Lowest { over, ranks } | Self::Highest { over, ranks } => by_rank(over, ranks),
            Self::Values { over, ranks, .. } => {
                let wanted = || groups.iter().map(|group| &ranks[*group as usize]);
                let values = over.ranks.values(report, wanted().flatten().copied())?;
                let texts = |ranks: &Vec<u32>| {
                    let texts = ranks.iter().filter_map(|rank| values.get(*rank)).map(text_of);
                    Some(Value::List(texts.collect())).filter(|_| !ranks.is_empty())
                };
                Ok(Cells::of(wanted().map(texts)))
            }
            Self::First { field, positions } => {
                let (rows, present) = present(groups.iter().map(|group| positions[*group as usize]));
                Ok(Cells::read(report, &present, *field)?.spread(&rows, groups.len()))
            }
        }
    }
}

impl Over {
    /// Calls `take` with the group of each finding, and the ranks of its values of the field.
    fn each(
        &self,
        report: &Report,
        segment: u32,
        rows: &[u32],
        members: &[u32],
        mut take: impl FnMut(u32, &[u32]),
    ) -> Result<(), ReportError> {
        let Some(column) = report.column(segment as usize, self.field) else { return Ok(()) };
        let codes = column.codes()?;
        for (row, group) in rows.iter().zip(members) {
            take(*group, self.ranks.of(segment, codes[*row as usize]));
        }
        Ok(())
    }
}

impl Pairs {
    fn make_distinct(&mut self) {
        self.pairs.sort_unstable();
        self.pairs.dedup();
        self.distinct = self.pairs.len();
    }
}
