//! What the store knows about scans at the scanners beyond the records of its own scans.

use jiff::Timestamp;
use scanhost_domain::{
    ids::{ScannerId, TaskId},
    scan::{Phase, Queued, RefusedPhase, Running, Slot},
};
use serde::{Deserialize, Serialize};

/// A scan at a scanner that is still there after the task of this store that made it was deleted, or that a task of this
/// store has adopted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftover {
    pub scanner: ScannerId,
    pub remote_id: String,
    pub task: TaskId,
}

/// A remote scan with which a new scan goes on, instead of making one at a scanner.
#[derive(Clone, Debug)]
pub struct Adoption {
    pub slot: Slot,
    pub remote_id: String,
    /// What the plugin wants to be given in its next call; empty where nobody knows.
    pub plugin_state: Vec<u8>,
    pub from: AdoptedFrom,
}

/// Where the new scan begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdoptedFrom {
    /// At the scanner: the scan there is followed to its end, and its report is fetched.
    Scanner,
    /// At the report, which is in the new scan's folder already.
    Report,
}

/// The count of fetched reports after which none is fetched again: a report that cannot be read ends the scan.
const NO_MORE_FETCHES: u8 = u8::MAX;

impl Adoption {
    /// The state of the new scan. No worker has it yet, so the next claim takes it over.
    ///
    /// # Errors
    /// The phases do not follow one another in this order, which is a mistake in this function.
    pub fn running(&self, now: Timestamp) -> Result<Running, RefusedPhase> {
        let remote_id = || self.remote_id.clone();
        let launched = Queued
            .start(self.slot.clone(), now)
            .enter(Phase::Creating)?
            .enter(Phase::Created { remote_id: remote_id() })?
            .enter(Phase::Launching { remote_id: remote_id() })?
            .enter(Phase::Launched { remote_id: remote_id() })?;
        let launched = launched.remember(self.plugin_state.clone());
        match self.from {
            AdoptedFrom::Scanner => Ok(launched),
            AdoptedFrom::Report => launched
                .enter(Phase::Exporting { remote_id: remote_id(), fetches: NO_MORE_FETCHES })?
                .enter(Phase::Ingesting { remote_id: remote_id(), fetches: NO_MORE_FETCHES }),
        }
    }
}

/// Whether this store may stop and remove scans at the scanners by itself. It may not once it looks like a copy or an
/// older state of another store, whose scans it would end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// The file `installation` in the data folder, as it was when the store was last trusted.
    pub folder: Option<FolderIdentity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// Scans at the scanners that are no newer than this raise no new doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_at: Option<Timestamp>,
}

/// What identifies a file for as long as nobody copies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderIdentity {
    pub inode: u64,
    /// In nanoseconds since 1970; absent where the file system does not tell it.
    pub born_at: Option<i128>,
}

impl FolderIdentity {
    /// Whether both may be the same file. A time of birth that is not known says nothing.
    pub fn may_be(self, other: Self) -> bool {
        let same_birth = match (self.born_at, other.born_at) {
            (Some(one), Some(two)) => one == two,
            (None, _) | (_, None) => true,
        };
        self.inode == other.inode && same_birth
    }
}

/// Why the store is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    pub reason: String,
    pub since: Timestamp,
}
