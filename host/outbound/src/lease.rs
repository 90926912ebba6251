//! How long a worker surely has its scan. One that was stopped for a while learns from the clock that this is over,
//! before the store tells it who has the scan now.

use std::{sync::{Arc, Mutex, PoisonError}, time::Duration};

use jiff::{SignedDuration, Timestamp};
use scanhost_system::clock;

#[derive(Clone)]
pub struct Hold {
    /// None where a scan stays its worker's for as long as the process lives.
    lease: Option<SignedDuration>,
    /// When the last renewal that the store took was asked for: the lease began no earlier.
    asked_at: Arc<Mutex<Timestamp>>,
}

impl Hold {
    /// Of a scan whose claim was asked for then.
    pub fn new(lease: Option<Duration>, asked_at: Timestamp) -> Self {
        let lease = lease.map(|lease| SignedDuration::try_from(lease).unwrap_or(SignedDuration::MAX));
        Self { lease, asked_at: Arc::new(Mutex::new(asked_at)) }
    }

    /// The store has taken what was asked for then.
    pub fn renew(&self, asked_at: Timestamp) {
        let mut last = self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(asked_at);
    }

    /// Whether nobody else can have the scan.
    pub fn is_sure(&self) -> bool {
        let asked_at = *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.lease.is_none_or(|lease| clock::now().duration_since(asked_at) < lease)
    }
}
