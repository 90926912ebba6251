//! Stored scans that this program cannot read: damaged ones, and those that a newer version wrote. They do not hold up
//! others and are left as they are. Each is logged once, however often it is met.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use scanhost_domain::{error_chain::chain, ids::TaskId};

use super::record::BadRecord;

#[derive(Clone, Default)]
pub struct UnreadableRecords(Arc<Mutex<BTreeSet<TaskId>>>);

impl UnreadableRecords {
    /// The value that was read. If it cannot be read, `None` is returned, and the first time it is logged.
    pub fn skip<T>(&self, id: &TaskId, read: Result<T, BadRecord>) -> Option<T> {
        read.inspect_err(|error| self.note(id, error)).ok()
    }

    pub fn note(&self, id: &TaskId, error: &BadRecord) {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        if is_new {
            tracing::error!(scan = %id, error = chain(error), "a stored scan cannot be read and is skipped");
        }
    }

    /// How many unreadable scans were met.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
