//! The reports that are open: the latest ones stay so, within bounds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use scanhost_domain::ids::TaskId;
use scanhost_results::{Identity, Report};
use tokio::sync::Semaphore;

/// Reports that stay open, and what their directories may take in memory. Their findings are not in memory.
const MAX_OPEN: usize = 16;
const MAX_BYTES: usize = 16 << 20;

/// Reports that are read again at one time. Each keeps a core busy.
const REBUILDS: usize = 1;

pub struct Reports {
    /// The latest first.
    open: Mutex<Vec<(TaskId, Arc<Report>)>>,
    guards: Mutex<HashMap<TaskId, Arc<tokio::sync::Mutex<()>>>>,
    /// One permit for each report that may be read again now.
    pub rebuilding: Semaphore,
}

impl Default for Reports {
    fn default() -> Self {
        Self { open: Mutex::default(), guards: Mutex::default(), rebuilding: Semaphore::new(REBUILDS) }
    }
}

impl Reports {
    /// The scan's report, when it is open and still the one on disk.
    pub fn find(&self, id: &TaskId, seen: Identity) -> Option<Arc<Report>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let place = open.iter().position(|(known, _)| known == id)?;
        let entry = open.remove(place);
        if entry.1.identity() != seen {
            return None;
        }
        let report = entry.1.clone();
        open.insert(0, entry);
        Some(report)
    }

    /// Keeps the report open, in place of what was open for the scan.
    pub fn keep(&self, id: &TaskId, report: Arc<Report>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(known, _)| known != id);
        open.insert(0, (id.clone(), report));
        let mut bytes = 0;
        let is_within = |(_, report): &&(TaskId, Arc<Report>)| {
            bytes += report.footprint();
            bytes <= MAX_BYTES
        };
        let kept = open.iter().take(MAX_OPEN).take_while(is_within).count();
        // The one that was just asked for stays, however large.
        open.truncate(kept.max(1));
    }

    /// Closes the scan's report, whose files are to go.
    pub fn forget(&self, id: &TaskId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| known != id);
    }

    /// A lock that whoever reads the scan's report again has to hold.
    pub fn guard(&self, id: &TaskId) -> Arc<tokio::sync::Mutex<()>> {
        let mut guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner);
        guards.retain(|_, guard| Arc::strong_count(guard) > 1);
        guards.entry(id.clone()).or_default().clone()
    }
}
