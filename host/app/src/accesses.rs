//! When the results of scans were last asked for.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use scanhost_domain::ids::TaskId;

/// When results were last asked for, as far as this process has stored it.
#[derive(Default)]
pub struct Accesses(Mutex<HashMap<TaskId, Timestamp>>);

impl Accesses {
    /// Whether this access should be stored, because the last one was a while ago.
    pub fn is_news(&self, id: &TaskId, now: Timestamp, noted_for: Duration) -> bool {
        let noted_for = SignedDuration::try_from(noted_for).unwrap_or(SignedDuration::MAX);
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.retain(|_, time| now.duration_since(*time) < noted_for);
        if noted.contains_key(id) {
            return false;
        }
        noted.insert(id.clone(), now);
        true
    }

    /// The next access is stored, whenever it comes.
    pub fn forget(&self, id: &TaskId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}
