//! A worker's right to its scan. A worker that was stopped for a while learns from the clock that its lease is over,
//! before it learns from the store that another one has the scan.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use scanhost_system::clock;

/// A worker's lease on its scan. Clones are the same lease.
#[derive(Clone)]
pub struct Lease {
    /// None if a scan stays its worker's for as long as the process lives.
    duration: Option<Duration>,
    /// When the last renewal that the store accepted was requested, since the machine started: the lease began no
    /// earlier.
    asked_at: Arc<Mutex<Duration>>,
}

impl Lease {
    /// The lease of a scan whose claim was requested at `asked_at`, which is a time since the machine started.
    pub fn new(duration: Option<Duration>, asked_at: Duration) -> Self {
        Self { duration, asked_at: Arc::new(Mutex::new(asked_at)) }
    }

    /// Renews the lease after the store accepted a heartbeat that was requested at `asked_at`.
    pub fn renew(&self, asked_at: Duration) {
        let mut last = self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(asked_at);
    }

    /// Whether no other worker can have the scan.
    pub fn is_valid(&self) -> bool {
        let asked_at = *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.duration.is_none_or(|duration| clock::since_boot().saturating_sub(asked_at) < duration)
    }
}
