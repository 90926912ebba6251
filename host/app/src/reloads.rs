//! What became of the last change, for whoever asks.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use jiff::Timestamp;
use scanhost_config::Problem;
use scanhost_system::clock;
use tokio::sync::{MutexGuard, watch};

use crate::plugins::Plugin;

/// The outcomes so far, and a way to hear of the next one that succeeds.
pub struct Reloads {
    last: Mutex<LastReload>,
    from_start: Vec<Problem>,
    generation: watch::Sender<u64>,
    /// One change at a time.
    turn: tokio::sync::Mutex<()>,
    /// Versions that are no longer in use. Whoever began with one may hold it still.
    retired: Mutex<Vec<Weak<Plugin>>>,
}

/// A configuration that was taken into use, or was not.
#[derive(Clone, Debug)]
pub struct LastReload {
    pub at: Timestamp,
    /// From the files as they were read to the new state.
    pub took: Duration,
    /// Why it was not; empty when it was.
    pub problems: Vec<Problem>,
    /// How many were taken into use since the start, with this one.
    pub succeeded: u64,
    /// How many were not.
    pub failed: u64,
}

impl Reloads {
    /// The configuration that the process started with counts as taken into use, but not as a reload. It has problems only
    /// where the process administers.
    pub fn new(generation: u64, problems: Vec<Problem>) -> Self {
        let last =
            LastReload { at: clock::now(), took: Duration::ZERO, problems: problems.clone(), succeeded: 0, failed: 0 };
        Self {
            last: Mutex::new(last),
            from_start: problems,
            generation: watch::Sender::new(generation),
            turn: tokio::sync::Mutex::default(),
            retired: Mutex::default(),
        }
    }

    pub fn last(&self) -> LastReload {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What could not be loaded when the process started.
    pub fn problems_from_start(&self) -> &[Problem] {
        &self.from_start
    }

    /// Sees the generation of every snapshot that comes into use.
    pub fn generations(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// The versions that were swapped out and are held still, by calls or scans that began with them.
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
        self.note(took, Vec::new());
    }

    pub(super) fn failed(&self, problems: Vec<Problem>, took: Duration) {
        self.note(took, problems);
    }

    fn note(&self, took: Duration, problems: Vec<Problem>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        (last.at, last.took, last.problems) = (clock::now(), took, problems);
        if last.problems.is_empty() {
            last.succeeded += 1;
        } else {
            last.failed += 1;
        }
    }
}
