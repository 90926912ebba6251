//! Scans at the scanners that carry the mark of this installation and that no task of this store owns: copies that a
//! person made, scans of a store that this one is a copy or an older state of, and second ones that a lost worker made.
//! The host reports them, and only an operator adopts or removes them.

pub mod command;
pub mod survey;
pub mod trust;

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use scanhost_domain::ids::{ScannerId, TaskId};
use scanhost_store::Doubt;

/// A scan at a scanner that no task of this store owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    pub scanner: ScannerId,
    pub remote_id: String,
    /// The task whose mark it carries.
    pub task: TaskId,
    pub is_running: bool,
    /// Whether this store knows the task, which then has another scan at its scanner.
    pub is_task_known: bool,
}

/// What this process knows about orphans.
#[derive(Default)]
pub struct Orphans(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Those that the last survey found at each scanner.
    found: Vec<Orphan>,
    doubt: Option<Doubt>,
    start: Option<Start>,
}

/// The state of the store and its folder when this process began.
struct Start {
    at: Timestamp,
    /// The newest task of the store.
    newest: Option<TaskId>,
    /// When the file `installation` was made, where the file system tells it. No task of ours is older.
    installed_at: Option<Timestamp>,
}

impl Orphans {
    /// Those that the last surveys found.
    pub fn found(&self) -> Vec<Orphan> {
        self.lock().found.clone()
    }

    /// Why the host stops and removes nothing at the scanners by itself, if it does not.
    pub fn doubt(&self) -> Option<Doubt> {
        self.lock().doubt.clone()
    }

    /// Whether the host may stop and remove scans at the scanners by itself.
    pub fn is_trusted(&self) -> bool {
        self.lock().doubt.is_none()
    }

    /// Replaces what is known of one scanner, and returns the orphans that are new there.
    pub fn replace(&self, scanner: &ScannerId, found: &[Orphan]) -> Vec<Orphan> {
        let mut known = self.lock();
        let is_new = |orphan: &&Orphan| {
            !known.found.iter().any(|old| old.scanner == orphan.scanner && old.remote_id == orphan.remote_id)
        };
        let new = found.iter().filter(is_new).cloned().collect();
        known.found.retain(|orphan| orphan.scanner != *scanner);
        known.found.extend_from_slice(found);
        new
    }

    fn set_start(&self, start: Start) {
        self.lock().start = Some(start);
    }

    /// Whether the task is from before this process began and newer than all that the store had then.
    fn was_lost_before_start(&self, task: &TaskId) -> bool {
        let known = self.lock();
        let Some(Start { at, newest, installed_at }) = &known.start else { return false };
        let is_earlier = submitted_at(task).is_some_and(|submitted_at| {
            submitted_at < *at && installed_at.is_none_or(|installed_at| submitted_at >= installed_at)
        });
        is_earlier && newest.as_ref().is_none_or(|newest| task > newest)
    }

    fn set_doubt(&self, doubt: Option<Doubt>) {
        self.lock().doubt = doubt;
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the task was submitted, which is a part of its id.
fn submitted_at(task: &TaskId) -> Option<Timestamp> {
    let id = ulid::Ulid::from_string(task.as_str()).ok()?;
    Timestamp::from_millisecond(i64::try_from(id.timestamp_ms()).ok()?).ok()
}
