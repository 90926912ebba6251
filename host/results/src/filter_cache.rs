//! A cache of the rows that the latest filter terms match, while a report is open: an agent asks for page after page with
//! the same filters. It takes one bit for each finding and term.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use fixedbitset::FixedBitSet;
use scanhost_domain::filter::FieldTerm;

use super::{directory::Segment, error::ReportError};

/// How many terms are cached at most.
const MAX_TERMS: usize = 16;
/// How many bytes the cached terms take at most, unless there are only [`MIN_TERMS`].
const MAX_BYTES: usize = 1 << 20;
/// How many terms are cached in any case: as many as most filters have.
const MIN_TERMS: usize = 4;

pub struct FilterCache {
    segments: usize,
    /// The bytes that one term takes.
    bytes: usize,
    /// The cached terms, the latest first.
    terms: Mutex<Vec<Arc<CachedTerm>>>,
}

struct CachedTerm {
    term: FieldTerm,
    segments: Vec<OnceLock<Arc<FixedBitSet>>>,
}

impl FilterCache {
    pub fn new(segments: &[Segment]) -> Self {
        let bytes = segments.iter().map(|segment| (segment.rows as usize).div_ceil(8)).sum();
        Self { segments: segments.len(), bytes, terms: Mutex::default() }
    }

    /// The most bytes that the cache takes in memory, approximately.
    pub fn footprint(&self) -> usize {
        self.capacity() * self.bytes
    }

    fn capacity(&self) -> usize {
        (MAX_BYTES / self.bytes.max(1)).clamp(MIN_TERMS, MAX_TERMS)
    }

    /// The rows of the segment that the term matches. They are found by `find` if they are not cached. Concurrent callers
    /// do not wait for each other. An error of `find` is not cached.
    pub fn rows(
        &self,
        term: &FieldTerm,
        segment: usize,
        find: impl FnOnce() -> Result<FixedBitSet, ReportError>,
    ) -> Result<Arc<FixedBitSet>, ReportError> {
        let cached_term = self.cached_term(term);
        let known = &cached_term.segments[segment];
        if let Some(rows) = known.get() {
            return Ok(rows.clone());
        }
        let found = Arc::new(find()?);
        Ok(known.get_or_init(|| found).clone())
    }

    fn cached_term(&self, term: &FieldTerm) -> Arc<CachedTerm> {
        let mut terms = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
        let cached_term = match terms.iter().position(|cached_term| cached_term.term == *term) {
            Some(index) => terms.remove(index),
            None => {
                let segments = (0..self.segments).map(|_| OnceLock::new()).collect();
                Arc::new(CachedTerm { term: term.clone(), segments })
            }
        };
        terms.insert(0, cached_term.clone());
        terms.truncate(self.capacity());
        cached_term
    }
}
