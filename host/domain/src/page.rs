//! Pages: which records of a result are asked for. It is only arithmetic, and no request makes it overflow.

use std::ops::Range;

#[cfg(test)]
mod tests;

/// Pages of fewer records cost more calls than they save, longer ones flood an agent.
const PAGE_SIZES: (i64, i64) = (10, 100);

/// A request for one page. Page 0 is all records at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    page: u64,
    // Invariant: within `PAGE_SIZES`.
    page_size: u64,
    skip: u64,
}

/// A page or skip that is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NegativePage {
    #[error("page is {0}: pages count from 1, and 0 asks for all records")]
    Page(i64),
    #[error("skip is {0}: it must not be negative")]
    Skip(i64),
    #[error("page is {page} and skip is {skip}: neither may be negative")]
    Both { page: i64, skip: i64 },
}

impl PageRequest {
    /// A page size out of bounds becomes the nearest one that is allowed.
    pub fn parse(page: i64, page_size: i64, skip: i64) -> Result<Self, NegativePage> {
        match (u64::try_from(page), u64::try_from(skip)) {
            (Ok(page), Ok(skip)) => {
                Ok(Self { page, page_size: page_size.clamp(PAGE_SIZES.0, PAGE_SIZES.1).unsigned_abs(), skip })
            }
            (Err(_), Ok(_)) => Err(NegativePage::Page(page)),
            (Ok(_), Err(_)) => Err(NegativePage::Skip(skip)),
            (Err(_), Err(_)) => Err(NegativePage::Both { page, skip }),
        }
    }

    pub fn page(self) -> u64 {
        self.page
    }

    pub fn page_size(self) -> u64 {
        self.page_size
    }

    pub fn skip(self) -> u64 {
        self.skip
    }

    /// Whether all records are asked for, and not a page of them.
    pub fn is_all(self) -> bool {
        self.page == 0
    }

    /// At least 1: no records are one empty page. All records at once are one page too.
    pub fn total_pages(self, total: u64) -> u64 {
        if self.is_all() { 1 } else { total.div_ceil(self.page_size).max(1) }
    }

    /// The indices of the page's records among `total`. Skipping moves the start of the page and never its end, so
    /// that the next page begins where it would have begun anyway.
    pub fn records(self, total: u64) -> Range<u64> {
        let (start, end) = match self.page.checked_sub(1) {
            None => (0, total),
            Some(before) => {
                let start = before.saturating_mul(self.page_size);
                (start, start.saturating_add(self.page_size).min(total))
            }
        };
        start.saturating_add(self.skip).min(end)..end
    }

    pub fn next_page(self, total: u64) -> Option<u64> {
        (!self.is_all() && self.page < self.total_pages(total)).then(|| self.page + 1)
    }

    pub fn has_next(self, total: u64) -> bool {
        self.next_page(total).is_some()
    }

    /// The request for the rest of this page after `returned` records of it were given.
    pub fn resume_after(self, returned: u64) -> Self {
        Self { skip: self.skip.saturating_add(returned), ..self }
    }
}
