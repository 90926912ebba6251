//! Filter, order, page: which findings an answer has. Memory is bounded by the page, or by the keys of the order.

use std::cmp::Ordering;

use scanhost_domain::{
    field::Columns,
    filter::Filters,
    finding::{FieldIndex, Finding, Value},
    page::PageRequest,
};

use super::report::{Report, ReportError};

/// Sort keys, the most important first. Empty keeps the report's order.
#[derive(Clone, Debug, Default)]
pub struct Order(Vec<Key>);

#[derive(Clone, Copy, Debug)]
struct Key {
    /// None for a field that no finding of the report has.
    field: Option<FieldIndex>,
    descending: bool,
}

impl Order {
    pub fn new(keys: &[(String, bool)], columns: &Columns) -> Self {
        Self(
            keys.iter()
                .map(|(field, descending)| Key { field: columns.find(field), descending: *descending })
                .collect(),
        )
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn values(&self, finding: &Finding) -> Vec<Option<Value>> {
        self.0.iter().map(|key| key.field.and_then(|field| finding.get(field)).cloned()).collect()
    }

    fn compare(&self, a: &[Option<Value>], b: &[Option<Value>]) -> Ordering {
        let by_key = self.0.iter().zip(a.iter().zip(b)).map(|(key, (a, b))| match (a, b) {
            (Some(a), Some(b)) if key.descending => compare(b, a),
            (Some(a), Some(b)) => compare(a, b),
            // What lacks the field comes last, whichever way it goes.
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        });
        by_key.fold(Ordering::Equal, Ordering::then)
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => a.cmp(b),
        (Value::Severity(a), Value::Severity(b)) => a.cmp(b),
        // A field has one type in a report.
        _ => Ordering::Equal,
    }
}

/// The findings that an answer has, before they are shown.
pub struct Selected<'a> {
    report: &'a Report,
    filters: &'a Filters,
    page: PageRequest,
    total: u64,
    /// Places among all findings of the report, in the order asked for; none when that is the report's own.
    ordered: Option<Vec<u64>>,
}

impl<'a> Selected<'a> {
    /// Counts, and sorts where an order is asked for.
    ///
    /// # Errors
    /// When the findings cannot be read.
    pub fn select(
        report: &'a Report,
        filters: &'a Filters,
        order: &Order,
        page: PageRequest,
    ) -> Result<Self, ReportError> {
        if order.is_empty() {
            let mut total = 0;
            for finding in report.findings()? {
                total += u64::from(filters.matches(&finding?));
            }
            return Ok(Self { report, filters, page, total, ordered: None });
        }
        let mut keys = Vec::new();
        for (place, finding) in (0u64..).zip(report.findings()?) {
            let finding = finding?;
            if filters.matches(&finding) {
                keys.push((order.values(&finding), place));
            }
        }
        // A stable sort, so that equals keep the report's order.
        keys.sort_by(|(a, _), (b, _)| order.compare(a, b));
        let ordered: Vec<u64> = keys.into_iter().map(|(_, place)| place).collect();
        Ok(Self { report, filters, page, total: ordered.len() as u64, ordered: Some(ordered) })
    }

    /// Findings that match, on all pages.
    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn page(&self) -> PageRequest {
        self.page
    }

    /// Hands the page's findings over in order, until `take` says no.
    ///
    /// # Errors
    /// When the findings cannot be read, or of `take`.
    pub fn each<E: From<ReportError>>(&self, mut take: impl FnMut(Finding) -> Result<bool, E>) -> Result<(), E> {
        let records = self.page.records(self.total);
        if records.is_empty() {
            return Ok(());
        }
        match &self.ordered {
            None => {
                let mut place = 0;
                for finding in self.report.findings()? {
                    let finding = finding?;
                    if !self.filters.matches(&finding) {
                        continue;
                    }
                    if records.contains(&place) && !take(finding)? {
                        return Ok(());
                    }
                    place += 1;
                    if place >= records.end {
                        return Ok(());
                    }
                }
                Ok(())
            }
            Some(ordered) => {
                let wanted = &ordered[to_index(records.start)..to_index(records.end)];
                for chunk in wanted.chunks(ORDERED_AT_ONCE) {
                    for finding in self.fetch(chunk)? {
                        if !take(finding)? {
                            return Ok(());
                        }
                    }
                }
                Ok(())
            }
        }
    }

    /// The findings at these places, in this order.
    fn fetch(&self, places: &[u64]) -> Result<Vec<Finding>, ReportError> {
        let mut by_place: Vec<(u64, usize)> = places.iter().enumerate().map(|(rank, place)| (*place, rank)).collect();
        by_place.sort_unstable();
        let mut wanted = by_place.into_iter().peekable();
        let mut found: Vec<Option<Finding>> = vec![None; places.len()];
        for (place, finding) in (0u64..).zip(self.report.findings()?) {
            let Some((next, rank)) = wanted.peek().copied() else { break };
            let finding = finding?;
            if place == next {
                found[rank] = Some(finding);
                wanted.next();
            }
        }
        Ok(found.into_iter().flatten().collect())
    }
}

/// Findings that an ordered answer holds in memory at once.
const ORDERED_AT_ONCE: usize = 10_000;

fn to_index(place: u64) -> usize {
    usize::try_from(place).expect("an ordered answer's keys are in memory")
}
