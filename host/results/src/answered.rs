//! Which rows the latest terms hold for, while a report is open: an agent asks for page after page with the same ones.
//! One bit for each finding and term, so that all of it stays small beside what it saves reading.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use fixedbitset::FixedBitSet;
use scanhost_domain::filter::FieldTerm;

use super::{directory::Segment, error::ReportError};

/// Terms that are remembered: at most so many, so many bytes, and at least as many as most filters have.
const MAX_TERMS: usize = 16;
const MAX_BYTES: usize = 1 << 20;
const MIN_TERMS: usize = 4;

pub struct Answered {
    segments: usize,
    /// What one term takes.
    bytes: usize,
    /// The latest first.
    terms: Mutex<Vec<Arc<Answer>>>,
}

struct Answer {
    term: FieldTerm,
    segments: Vec<OnceLock<Arc<FixedBitSet>>>,
}

impl Answered {
    pub fn new(segments: &[Segment]) -> Self {
        let bytes = segments.iter().map(|segment| (segment.rows as usize).div_ceil(8)).sum();
        Self { segments: segments.len(), bytes, terms: Mutex::default() }
    }

    /// Bytes in memory at most, about.
    pub fn footprint(&self) -> usize {
        self.capacity() * self.bytes
    }

    fn capacity(&self) -> usize {
        (MAX_BYTES / self.bytes.max(1)).clamp(MIN_TERMS, MAX_TERMS)
    }

    /// The rows of the segment that the term holds for. Who is the first to ask finds them with `find`, and others do
    /// not wait for that.
    ///
    /// # Errors
    /// Of `find`; nothing is remembered then.
    pub fn rows(
        &self,
        term: &FieldTerm,
        segment: usize,
        find: impl FnOnce() -> Result<FixedBitSet, ReportError>,
    ) -> Result<Arc<FixedBitSet>, ReportError> {
        let answer = self.answer(term);
        let known = &answer.segments[segment];
        if let Some(rows) = known.get() {
            return Ok(rows.clone());
        }
        let found = Arc::new(find()?);
        Ok(known.get_or_init(|| found).clone())
    }

    fn answer(&self, term: &FieldTerm) -> Arc<Answer> {
        let mut terms = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match terms.iter().position(|answer| answer.term == *term) {
            Some(place) => terms.remove(place),
            None => {
                let segments = (0..self.segments).map(|_| OnceLock::new()).collect();
                Arc::new(Answer { term: term.clone(), segments })
            }
        };
        terms.insert(0, answer.clone());
        terms.truncate(self.capacity());
        answer
    }
}
