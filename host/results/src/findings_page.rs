//! One page of findings as values, for readers inside this program.

use scanhost_domain::finding::Value;
use serde_json::{Map, Value as Json};

use crate::{
    ReportError,
    prepared::PreparedQuery,
    rows::{Names, ShapeError},
    view::ShownField,
};

/// The rows of a page and where they are among all.
#[derive(Clone, Debug, Default)]
pub struct FindingsPage {
    /// In the order of the profile.
    pub fields: Vec<ShownField>,
    pub filters_applied: Map<String, Json>,
    /// Rows on all pages together.
    pub total: u64,
    /// At least 1.
    pub total_pages: u64,
    /// Counted from 1.
    pub page: u64,
    pub next_page: Option<u64>,
    /// Each has a value for each field; none where the finding lacks it.
    pub rows: Vec<Vec<Option<Value>>>,
    pub truncated: Option<Truncated>,
}

/// Rows of the page that did not fit into the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated {
    pub remaining: u64,
    /// Records of the page to skip to get them.
    pub skip: u64,
}

impl PreparedQuery {
    /// The page as values. `budget` bounds the rows in bytes of their JSON; one row is there however large it is. It may be
    /// called where [`write`](Self::write) may.
    ///
    /// # Errors
    /// When findings cannot be read, or the profile fails.
    pub fn page<E: From<ReportError> + From<ShapeError>>(&self, budget: usize) -> Result<FindingsPage, E> {
        let names = Names::of_line(self.view.fields());
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let fields = self.view.fields().len();
        self.each(|row| -> Result<bool, E> {
            bytes += names.object(row).len();
            if bytes > budget && !rows.is_empty() {
                return Ok(false);
            }
            rows.push((0..fields).map(|field| row.get(field).cloned()).collect());
            Ok(true)
        })?;
        let (total, request) = self.total()?;
        let records = request.records(total);
        let returned = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let remaining = (records.end - records.start).saturating_sub(returned);
        let truncated = (remaining > 0).then(|| Truncated { remaining, skip: request.resume_after(returned).skip() });
        Ok(FindingsPage {
            fields: self.view.fields().to_vec(),
            filters_applied: self.view.filters_applied.clone(),
            total,
            total_pages: request.total_pages(total),
            page: request.page(),
            next_page: request.next_page(total),
            rows,
            truncated,
        })
    }
}
