//! A worker's right to its scan. A worker that was stopped for a while learns from the clock that its lease is over,
//! before it learns from the store that another one has the scan.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use scanhost_system::clock;

/// A worker's lease on its scan. Clones are the same lease.
#[derive(Clone)]
pub struct Lease {
    /// None if a scan stays its worker's for as long as the process lives.
    duration: Option<SignedDuration>,
    /// When the last renewal that the store accepted was requested: the lease began no earlier.
    asked_at: Arc<Mutex<Timestamp>>,
}

impl Lease {
    /// The lease of a scan whose claim was requested at `asked_at`.
    pub fn new(duration: Option<Duration>, asked_at: Timestamp) -> Self {
        let duration = duration.map(|duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX));
        Self { duration, asked_at: Arc::new(Mutex::new(asked_at)) }
    }

    /// Renews the lease after the store accepted a heartbeat that was requested at `asked_at`.
    pub fn renew(&self, asked_at: Timestamp) {
        let mut last = self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(asked_at);
    }

    /// Whether no other worker can have the scan.
    pub fn is_valid(&self) -> bool {
        let asked_at = *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.duration.is_none_or(|duration| clock::now().duration_since(asked_at) < duration)
    }
}
