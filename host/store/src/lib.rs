//! The store of scans and the one writer of their states: each operation is one atomic, durable step that changes a
//! scan together with its queue entry, its idempotency key and its dead letter.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use scanhost_domain::{
    breaker::Circuit,
    ids::{IdempotencyKey, PoolName, ScannerId, TaskId, TraceId},
    request::{ScanRequest, ScanType},
    scan::{Running, Scan, Slot, Status},
    schedule::Balance,
    target::{Target, Targets},
};

mod change;
pub mod crashing;
pub mod embedded;
mod parts;
pub mod record;
pub mod redis;
mod remote;
mod unreadable;
pub mod watch;

#[cfg(test)]
mod tests;

pub use change::Change;
pub use parts::{DeadLetters, Parts, RemoteScans, ScannerReports, Scans, Sessions, Settings, Store};
pub use remote::{AdoptedFrom, Adoption, Doubt, FolderIdentity, Leftover, Trust};
pub use watch::Watch;

/// A scan to submit.
#[derive(Clone, Debug)]
pub struct NewScan {
    pub id: TaskId,
    pub trace: TraceId,
    pub request: ScanRequest,
    pub created_at: Timestamp,
    pub retry_of: Option<TaskId>,
    pub idempotency: Option<Idempotency>,
    /// Waiting scans that the pool may have, including this one.
    pub max_depth: u64,
    /// A remote scan that is there already. The new scan then runs at once and does not wait.
    pub adopts: Option<Adoption>,
}

/// A key and what it stands for.
#[derive(Clone, Debug)]
pub struct Idempotency {
    pub key: IdempotencyKey,
    /// The keyed hash of the request.
    pub request_hash: [u8; 32],
    pub expires_at: Timestamp,
}

/// The outcome of a submit.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// The scan is new. `position` is its place in the queue, from 1.
    New { scan: Scan, position: u64 },
    /// The key was used before for the same request. This is the first scan as it is now, or as it was when it was
    /// deleted.
    Known(Scan),
    /// The key was used before for another request.
    KeyTaken,
    /// The pool's queue is full.
    Full { pool: PoolName, depth: u64 },
}

/// A scanner that takes scans now, with what a claim stores about it.
#[derive(Clone, Debug)]
pub struct Offer {
    pub slot: Slot,
    pub max_concurrent_scans: u32,
}

/// All the scanners of one pool that take scans now.
#[derive(Clone, Debug)]
pub struct PoolOffer {
    pub pool: PoolName,
    pub balance: Balance,
    pub scanners: Vec<Offer>,
}

/// A scan that this worker now has to drive.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub scan: Scan,
    pub running: Running,
}

/// The outcome of a cancel.
#[derive(Clone, Debug)]
pub enum Cancelled {
    /// The scan was waiting, and has ended now.
    Ended(Scan),
    /// The scan is running, and its worker will end it.
    Requested(Scan),
    /// The scan had ended before.
    Refused(Scan),
    NotFound,
}

/// The outcome of a delete.
#[derive(Clone, Debug)]
pub enum Deleted {
    Done(Box<Scan>),
    /// The scan is running, and `force` was not given.
    Running,
    NotFound,
}

/// Which scans to list.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    pub status: Option<Status>,
    pub scan_type: Option<ScanType>,
    pub pool: Option<PoolName>,
    pub target: Option<Target>,
    /// Lists scans that were submitted before this one.
    pub before: Option<TaskId>,
    pub limit: usize,
}

/// Bytes of targets after which a list takes no more scans, since one scan may have a megabyte of them.
const LISTED_BYTES: usize = 1 << 20;

impl ListQuery {
    /// Whether a list with these scans takes no more.
    fn is_full(&self, scans: &[Scan]) -> bool {
        let bytes: usize = scans.iter().map(|scan| scan.request.targets.len()).sum();
        scans.len() == self.limit || bytes > LISTED_BYTES
    }

    pub fn selects(&self, scan: &Scan) -> bool {
        self.status.is_none_or(|status| scan.status() == status)
            && self.scan_type.is_none_or(|scan_type| scan.request.scan_type == scan_type)
            && self.pool.as_ref().is_none_or(|pool| scan.request.pool == *pool)
            && self
                .target
                .as_ref()
                .is_none_or(|target| Targets::parse(&scan.request.targets).is_ok_and(|targets| targets.matches(target)))
    }
}

/// The listed scans, newest first. There are fewer than asked for if very many must be looked at, or if they are large.
#[derive(Clone, Debug)]
pub struct Listed {
    pub scans: Vec<Scan>,
    /// The value of `before` that lists the rest; `None` at the end.
    pub next: Option<TaskId>,
}

/// The configured scanners, by pool.
#[derive(Clone, Debug, Default)]
pub struct ConfiguredScanners(BTreeMap<String, BTreeSet<String>>);

impl ConfiguredScanners {
    pub fn add_pool(&mut self, pool: &PoolName) {
        self.0.entry(pool.to_string()).or_default();
    }

    pub fn add(&mut self, scanner: &ScannerId) {
        self.0.entry(scanner.pool.to_string()).or_default().insert(scanner.instance.to_string());
    }

    pub fn has_pool(&self, pool: &str) -> bool {
        self.0.contains_key(pool)
    }

    /// Whether a scan that waits in the pool can ever start; an empty instance means any.
    pub fn has(&self, pool: &str, instance: &str) -> bool {
        self.0.get(pool).is_some_and(|instances| instance.is_empty() || instances.contains(instance))
    }
}

/// The state of a pool.
#[derive(Clone, Debug, Default)]
pub struct PoolState {
    pub queue_depth: u64,
    pub paused: bool,
    pub dead_letters: u64,
    /// The first waiting scans, in order.
    pub next: Vec<Waiting>,
    pub oldest_created_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct Waiting {
    pub id: TaskId,
    pub name: String,
}

/// A failed scan, kept for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub id: TaskId,
    pub pool: PoolName,
    pub failed_at: Timestamp,
}

/// How a worker sees a scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannerReport {
    pub up: bool,
    /// The scanner's own message, or why it is not up.
    pub message: String,
    /// Whether it refuses the host's login, so that scans wait for it.
    pub refuses_login: bool,
    pub circuit: Circuit,
    /// When the circuit last changed; `None` if it never did.
    pub changed_at: Option<Timestamp>,
    pub reported_at: Timestamp,
}

/// How long a worker's report about a scanner counts, which is several times the interval of reports.
pub const REPORT_LIFE: Duration = Duration::from_secs(35);

/// How far the store can be relied on.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// By how much the store's clock is ahead of this process' own; absent where the store has none.
    pub clock_ahead: Option<SignedDuration>,
    /// Settings of the store with which it may lose what it has acknowledged, each with what to do about it.
    pub risks: Vec<String>,
}

/// Why the store cannot carry out an operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store cannot be used: {0}")]
    Unavailable(String),
    #[error("the answer to a write was lost, so the store may or may not have carried it out: {0}")]
    AnswerLost(String),
    #[error("the disk of the data folder is full")]
    DiskFull,
    #[error("another scanhost is running on this data folder: stop it, or use another folder")]
    InUse,
    #[error("the store's secrets were sealed with another key: restore the original `secrets.key_file`")]
    OtherKey,
    #[error(
        "this process uses the data folder {folder}, but the other processes of this store use another one: \
         {relative}. Run this process where the others run, or set `data` to the absolute path of the folder that \
         they share. Only if this folder is to replace theirs, delete the key {key} in Redis",
        relative = scanhost_system::data_folder::RELATIVE
    )]
    OtherFolder { folder: String, key: String },
    #[error("a stored record cannot be read")]
    Damaged(#[from] record::BadRecord),
}

/// Why a worker's write was refused.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Another worker has the scan, or it has ended: stop, and clean nothing up.
    #[error("the scan no longer belongs to this worker")]
    Stale,
    #[error(transparent)]
    Store(#[from] StoreError),
}
