//! Selects the records of an answer: filters, then orders or groups, then takes a page. Memory is bounded by the page, by
//! the keys of an order, or by the groups.

use scanhost_domain::page::PageRequest;

use super::{
    error::ReportError,
    group::Groups,
    records::{Position, Record, Records},
    report::Report,
    select::matching,
    view::{Rows, View},
};

/// How many records are in memory at once.
const AT_ONCE: usize = 100;

/// The records that an answer has, before they are shown.
pub struct Selected<'a> {
    report: &'a Report,
    view: &'a View,
    page: PageRequest,
    total: u64,
    found: Found,
}

enum Found {
    /// The findings of the page, in its order.
    Positions(Vec<Position>),
    /// All findings that match, in the report's order, with their number in each segment.
    All(Vec<u64>),
    Groups(Groups),
}

impl<'a> Selected<'a> {
    /// Counts the records that match, and finds the page.
    pub fn select(report: &'a Report, view: &'a View, page: PageRequest) -> Result<Self, ReportError> {
        let (total, found) = match &view.rows {
            Rows::Findings { order, .. } if order.is_empty() => in_report_order(report, view, page)?,
            Rows::Findings { order, .. } => {
                let (total, positions) = order.sort(report, &view.filters, |total| page.records(total))?;
                (total, Found::Positions(positions))
            }
            Rows::Groups(plan) => {
                let groups = plan.run(report, &view.filters, |total| page.records(total))?;
                (groups.total(), Found::Groups(groups))
            }
        };
        Ok(Self { report, view, page, total, found })
    }

    /// How many records match, on all pages.
    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn page(&self) -> PageRequest {
        self.page
    }

    /// Calls `take` with the page's records in order, with the view's fields, until it returns false.
    pub fn each<E: From<ReportError>>(&self, mut take: impl FnMut(Record<'_>) -> Result<bool, E>) -> Result<(), E> {
        match (&self.found, &self.view.rows) {
            (Found::Positions(positions), Rows::Findings { fields, .. }) => {
                for positions in positions.chunks(AT_ONCE) {
                    if !each(&Records::read(self.report, positions, fields)?, &mut take)? {
                        break;
                    }
                }
            }
            (Found::All(counts), Rows::Findings { fields, .. }) => {
                let mut left = self.page.records(self.total);
                for (index, segment) in (0..counts.len()).zip(0..) {
                    let count = counts[index];
                    let (skipped, taken) = (left.start.min(count), left.end.min(count));
                    left = left.start - skipped..left.end - taken;
                    if skipped == taken {
                        continue;
                    }
                    let rows = matching(self.report, &self.view.filters, index)?;
                    let positions: Vec<Position> = rows.iter().map(|row| Position { segment, row }).collect();
                    for positions in positions[skipped as usize..taken as usize].chunks(AT_ONCE) {
                        if !each(&Records::read(self.report, positions, fields)?, &mut take)? {
                            return Ok(());
                        }
                    }
                }
            }
            (Found::Groups(groups), _) => {
                for start in (0..groups.len()).step_by(AT_ONCE) {
                    let range = start..(start + AT_ONCE).min(groups.len());
                    if !each(&groups.records(self.report, range)?, &mut take)? {
                        break;
                    }
                }
            }
            (Found::Positions(_) | Found::All(_), Rows::Groups(_)) => {}
        }
        Ok(())
    }
}

fn each<E>(records: &Records, take: &mut impl FnMut(Record<'_>) -> Result<bool, E>) -> Result<bool, E> {
    for record in records.iter() {
        if !take(record)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the positions of a page, or only the counts if the answer has all findings.
fn in_report_order(report: &Report, view: &View, page: PageRequest) -> Result<(u64, Found), ReportError> {
    let wanted = page.records(u64::MAX);
    let (mut total, mut counts, mut positions) = (0, Vec::new(), Vec::new());
    for (index, segment) in (0..report.segments().len()).zip(0..) {
        let rows = matching(report, &view.filters, index)?;
        let count = rows.count();
        if !page.is_all() && total < wanted.end && total + count > wanted.start {
            let skipped = wanted.start.saturating_sub(total);
            let taken = wanted.end - total.max(wanted.start);
            let rows = rows.iter().skip(usize::try_from(skipped).expect("rows of a segment"));
            let rows = rows.take(usize::try_from(taken).expect("records of a page"));
            positions.extend(rows.map(|row| Position { segment, row }));
        }
        total += count;
        counts.push(count);
    }
    Ok((total, if page.is_all() { Found::All(counts) } else { Found::Positions(positions) }))
}
