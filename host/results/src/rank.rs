//! The distinct values of a field over all segments, each with a rank: equal values have the same rank, and ranks are
//! ordered like the values.

use std::cmp::Ordering;

use hashbrown::HashMap;
use scanhost_domain::{
    field::{FieldIndex, FieldType},
    finding::Value,
};

use super::{column::Ends, error::ReportError, records::Position, report::Report, text_order::Texts};

/// Ranks of the values of a field, or of the elements of its lists.
pub struct Ranks {
    field: FieldIndex,
    segments: Vec<SegmentRanks>,
    /// For each rank a segment, and the place in it of a value or element that has this rank.
    samples: Vec<(u32, u32)>,
    are_elements: bool,
}

#[derive(Default)]
struct SegmentRanks {
    /// The ranks, by the place of the value or element.
    ranks: Vec<u32>,
    /// Which elements belong to which value; none if each value has one rank.
    ends: Option<Ends>,
}

impl Ranks {
    /// Ranks whole values.
    pub fn of_values(report: &Report, field: FieldIndex) -> Result<Self, ReportError> {
        match report.columns().column(field).field_type {
            FieldType::Text => Self::of_texts(report, field, false),
            FieldType::List => {
                let elements = Self::of_texts(report, field, true)?;
                let mut lists = Vec::new();
                for (segment, ranks) in (0..).zip(&elements.segments) {
                    let count = ranks.ends.as_ref().map_or(0, Ends::values);
                    lists.extend(
                        (0..count).map(|place| (segment, narrow(place), elements.of(segment, narrow(place) + 1))),
                    );
                }
                Ok(Self::number(report, field, lists, Ord::cmp))
            }
            FieldType::Integer | FieldType::Number | FieldType::Boolean | FieldType::Severity => {
                let mut values = Vec::new();
                for (index, segment) in (0..report.segments().len()).zip(0..) {
                    let Some(column) = report.column(index, field) else { continue };
                    values.extend((0..).zip(column.fixed()?).map(|(place, value)| (segment, place, value)));
                }
                Ok(Self::number(report, field, values, compare))
            }
        }
    }

    /// Ranks the elements of lists, or whole values if the field is not a list.
    pub fn of_elements(report: &Report, field: FieldIndex) -> Result<Self, ReportError> {
        match report.columns().column(field).field_type {
            FieldType::List => Self::of_texts(report, field, true),
            _ => Self::of_values(report, field),
        }
    }

    fn of_texts(report: &Report, field: FieldIndex, are_elements: bool) -> Result<Self, ReportError> {
        let texts = Texts::open(report, field)?;
        let sorted = texts.sorted()?;
        let with_ends = |ends: Option<Ends>| {
            let ranks = vec![0; ends.as_ref().map_or(0, |ends| ends.elements() as usize)];
            SegmentRanks { ranks, ends: ends.filter(|_| are_elements) }
        };
        let mut segments: Vec<SegmentRanks> = texts.into_ends().map(with_ends).collect();
        let mut samples = Vec::with_capacity(sorted.len());
        for (rank, equal) in (0..).zip(&sorted) {
            for (segment, element) in equal {
                segments[*segment as usize].ranks[*element as usize] = rank;
            }
            samples.extend(equal.first());
        }
        Ok(Self { field, segments, samples, are_elements })
    }

    fn number<T>(
        report: &Report,
        field: FieldIndex,
        mut values: Vec<(u32, u32, T)>,
        compare: impl Fn(&T, &T) -> Ordering,
    ) -> Self {
        let mut segments = Vec::new();
        segments.resize_with(report.segments().len(), SegmentRanks::default);
        for (segment, ..) in &values {
            segments[*segment as usize].ranks.push(0);
        }
        values.sort_by(|(.., a), (.., b)| compare(a, b));
        let mut samples = Vec::new();
        for (rank, equal) in (0..).zip(values.chunk_by(|(.., a), (.., b)| compare(a, b).is_eq())) {
            for (segment, place, _) in equal {
                segments[*segment as usize].ranks[*place as usize] = rank;
            }
            samples.extend(equal.first().map(|(segment, place, _)| (*segment, *place)));
        }
        Self { field, segments, samples, are_elements: false }
    }

    /// The ranks of a code of a segment: none for code 0, otherwise one, or one for each element.
    pub fn of(&self, segment: u32, code: u32) -> &[u32] {
        let ranks = &self.segments[segment as usize];
        let Some(place) = code.checked_sub(1).map(|place| place as usize) else { return &[] };
        match &ranks.ends {
            Some(ends) => &ranks.ranks[ends.elements_of(place)],
            None => &ranks.ranks[place..=place],
        }
    }

    /// The ranks of whole values at these positions.
    pub fn at(&self, report: &Report, positions: &[Position]) -> Result<Vec<Option<u32>>, ReportError> {
        let mut codes_of: Option<(u32, Vec<u32>)> = None;
        let mut ranks = Vec::with_capacity(positions.len());
        for position in positions {
            let codes = match codes_of.take() {
                Some((segment, codes)) if segment == position.segment => codes,
                _ => report
                    .column(position.segment as usize, self.field)
                    .map_or(Ok(Vec::new()), |column| column.codes())?,
            };
            let code = codes.get(position.row as usize).copied().unwrap_or_default();
            ranks.push(self.of(position.segment, code).first().copied());
            codes_of = Some((position.segment, codes));
        }
        Ok(ranks)
    }

    /// The values of these ranks, with elements as texts.
    pub fn values(&self, report: &Report, ranks: impl Iterator<Item = u32>) -> Result<RankedValues, ReportError> {
        let mut samples: Vec<((u32, u32), u32)> = ranks.map(|rank| (self.samples[rank as usize], rank)).collect();
        samples.sort_unstable();
        samples.dedup();
        let mut found = HashMap::new();
        for here in samples.chunk_by(|((a, _), _), ((b, _), _)| a == b) {
            let Some(column) = here.first().and_then(|((segment, _), _)| report.column(*segment as usize, self.field))
            else {
                continue;
            };
            let places: Vec<u32> = here.iter().map(|((_, place), _)| *place).collect();
            let values = if self.are_elements {
                column.elements_at(&places)?.into_iter().map(Value::Text).collect()
            } else {
                let codes: Vec<u32> = places.iter().map(|place| place + 1).collect();
                column.values_of(&codes)?
            };
            found.extend(here.iter().map(|(_, rank)| *rank).zip(values));
        }
        Ok(RankedValues(found))
    }
}

/// Values by their ranks.
pub struct RankedValues(HashMap<u32, Value>);

impl RankedValues {
    pub fn get(&self, rank: u32) -> Option<&Value> {
        self.0.get(&rank)
    }
}

/// Compares values of one type of fixed size.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Severity(a), Value::Severity(b)) => a.cmp(b),
        // Texts and lists are not ordered here, and a field has one type in a report.
        _ => Ordering::Equal,
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("a segment is bounded far below so many values")
}
