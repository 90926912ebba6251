//! The outcome of the last reload, and notices of new snapshots.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use jiff::Timestamp;
use scanhost_config::Problem;
use scanhost_system::clock;
use tokio::sync::{MutexGuard, watch};

use crate::plugins::Plugin;

/// The outcome of the last reload, the current generation, and old versions of plugins that are still used.
pub struct Reloads {
    last: Mutex<LastReload>,
    start_problems: Vec<Problem>,
    generation: watch::Sender<u64>,
    /// Whoever changes the snapshot holds this lock, so that there is one change at a time.
    turn: tokio::sync::Mutex<()>,
    /// Versions that are no longer in the snapshot. Calls and scans that began with one may still use it.
    retired: Mutex<Vec<Weak<Plugin>>>,
}

/// The last attempt to take a configuration into use.
#[derive(Clone, Debug)]
pub struct LastReload {
    pub at: Timestamp,
    /// The time from the end of reading the files to the outcome.
    pub took: Duration,
    /// Why the configuration was refused. There are none if it was taken into use.
    pub problems: Vec<Problem>,
    /// The number of successful reloads since the start, including this one.
    pub succeeded: u64,
    /// The number of failed reloads since the start, including this one.
    pub failed: u64,
}

impl Reloads {
    /// The configuration that the process starts with counts as taken into use, but not as a reload. It has problems
    /// only in a process for administration, which starts in spite of them.
    pub fn new(generation: u64, problems: Vec<Problem>) -> Self {
        let last =
            LastReload { at: clock::now(), took: Duration::ZERO, problems: problems.clone(), succeeded: 0, failed: 0 };
        Self {
            last: Mutex::new(last),
            start_problems: problems,
            generation: watch::Sender::new(generation),
            turn: tokio::sync::Mutex::default(),
            retired: Mutex::default(),
        }
    }

    pub fn last(&self) -> LastReload {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the problems of what could not be loaded when the process started.
    pub fn problems_from_start(&self) -> &[Problem] {
        &self.start_problems
    }

    /// Returns a receiver that gets the generation of every snapshot that comes into use.
    pub fn generations(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Returns the versions that are no longer in the snapshot, but that calls or scans still use.
    pub fn retired(&self) -> Vec<Arc<Plugin>> {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.retain(|plugin| plugin.strong_count() > 0);
        retired.iter().filter_map(Weak::upgrade).collect()
    }

    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    pub(super) fn retire(&self, before: &[Arc<Plugin>], after: &[Arc<Plugin>]) {
        let is_gone = |plugin: &&Arc<Plugin>| !after.iter().any(|new| Arc::ptr_eq(new, plugin));
        let gone: Vec<Weak<Plugin>> = before.iter().filter(is_gone).map(Arc::downgrade).collect();
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.retain(|plugin| plugin.strong_count() > 0);
        retired.extend(gone);
    }

    pub(super) fn announce(&self, generation: u64) {
        self.generation.send_replace(generation);
    }

    pub(super) fn succeeded(&self, took: Duration) {
        self.record(took, Vec::new());
    }

    pub(super) fn failed(&self, problems: Vec<Problem>, took: Duration) {
        self.record(took, problems);
    }

    fn record(&self, took: Duration, problems: Vec<Problem>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        (last.at, last.took, last.problems) = (clock::now(), took, problems);
        if last.problems.is_empty() {
            last.succeeded += 1;
        } else {
            last.failed += 1;
        }
    }
}
