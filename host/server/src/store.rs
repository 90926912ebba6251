//! Where scans live. The store is the one writer of states: each operation is one atomic, durable step that changes a
//! scan together with its queue entry, its idempotency key and its dead letter.

use async_trait::async_trait;
use jiff::Timestamp;
use scanhost_domain::{
    ids::{IdempotencyKey, PoolName, ScannerId, TaskId, TraceId},
    request::{ScanRequest, ScanType},
    scan::{Fence, Outcome, Phase, Running, Scan, Slot, Status},
    schedule::Balance,
    target::Target,
};

pub mod atomic;
pub mod embedded;
pub mod record;
pub mod watch;

#[cfg(test)]
mod tests;

pub use watch::Watch;

/// A scan on its way in.
#[derive(Clone, Debug)]
pub struct NewScan {
    pub id: TaskId,
    pub trace: TraceId,
    pub request: ScanRequest,
    pub created_at: Timestamp,
    pub retry_of: Option<TaskId>,
    pub idempotency: Option<Idempotency>,
    /// Waiting scans that the pool may have; this one included.
    pub max_depth: u64,
}

/// A key and what it stands for.
#[derive(Clone, Debug)]
pub struct Idempotency {
    pub key: IdempotencyKey,
    /// Keyed hash of the request.
    pub request_hash: [u8; 32],
    pub expires_at: Timestamp,
}

/// What became of a submit.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// It is new. Its place in the queue, from 1.
    New { scan: Scan, position: u64 },
    /// The key was used before for the same request: the first scan as it is now, or as it was when it was deleted.
    Known(Scan),
    /// The key was used before for another request.
    KeyTaken,
    /// The pool's queue is full. Its depth.
    Full { depth: u64 },
}

/// A scanner that takes scans now, with what a claim has to store about it.
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

/// What a worker has to store about the scan that it drives.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub phase: Option<Phase>,
    pub plugin_state: Option<Vec<u8>>,
    /// Failed calls to add.
    pub retries: u32,
}

/// What became of a cancel.
#[derive(Clone, Debug)]
pub enum Cancelled {
    /// It had not started; it has ended now.
    Ended(Scan),
    /// Its worker was told and will end it.
    Requested(Scan),
    /// It had ended otherwise, or had been cancelled.
    Refused(Scan),
    NotFound,
}

/// What became of a delete.
#[derive(Clone, Debug)]
pub enum Deleted {
    Done(Scan),
    /// It is queued or running and `force` was not given.
    Active(Scan),
    NotFound,
}

/// Which scans to list.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    pub status: Option<Status>,
    pub scan_type: Option<ScanType>,
    pub pool: Option<PoolName>,
    pub target: Option<Target>,
    /// List what was submitted before this one.
    pub before: Option<TaskId>,
    pub limit: usize,
}

/// The newest first.
#[derive(Clone, Debug)]
pub struct Listed {
    pub scans: Vec<Scan>,
    pub more: bool,
}

/// How a pool stands.
#[derive(Clone, Debug, Default)]
pub struct PoolState {
    pub queue_depth: u64,
    pub paused: bool,
    pub dead_letters: u64,
    /// The first of those that wait, in order.
    pub next: Vec<Waiting>,
    pub oldest_created_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct Waiting {
    pub id: TaskId,
    pub name: String,
}

/// A store that cannot do it now.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store cannot be used: {0}")]
    Unavailable(String),
    #[error("the store's secrets were sealed with another key: put the right `secrets.key_file` back")]
    OtherKey,
    #[error("a stored record is damaged")]
    Damaged(#[from] record::BadRecord),
}

/// A worker's write that was not taken.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Another worker has the scan, or it has ended: stop, and clean nothing up.
    #[error("the scan is no longer this worker's")]
    Stale,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The states of all scans. Every write is durable before it answers.
#[async_trait]
pub trait Store: Send + Sync {
    async fn submit(&self, new: NewScan) -> Result<Submitted, StoreError>;

    async fn scan(&self, id: &TaskId) -> Result<Option<Scan>, StoreError>;

    /// Place in the queue, from 1; none when it does not wait.
    async fn position(&self, scan: &Scan) -> Result<Option<u64>, StoreError>;

    async fn list(&self, query: ListQuery) -> Result<Listed, StoreError>;

    async fn pool(&self, pool: &PoolName) -> Result<PoolState, StoreError>;

    /// How many scans each scanner drives now.
    async fn active(&self) -> Result<Vec<(ScannerId, u32)>, StoreError>;

    /// The next scan that a worker should drive: first one that lost its worker, else the first in a queue for which
    /// a scanner is free. Pools take turns.
    async fn claim(&self, offers: &[PoolOffer], now: Timestamp) -> Result<Option<Claimed>, StoreError>;

    /// Stores a step of the scan's worker.
    async fn update(&self, id: &TaskId, fence: Fence, change: Change) -> Result<Running, WorkError>;

    /// Takes note of progress, without making it durable.
    async fn note_progress(&self, id: &TaskId, fence: Fence, percent: u8);

    async fn finish(&self, id: &TaskId, fence: Fence, outcome: Outcome, now: Timestamp) -> Result<Scan, WorkError>;

    /// Gives the scan back without an outcome, so that it is claimed again.
    async fn release(&self, id: &TaskId, fence: Fence);

    async fn cancel(&self, id: &TaskId, now: Timestamp) -> Result<Cancelled, StoreError>;

    /// Deletes the record of a scan that has ended, or, with `force`, of any: a running one is then no longer its
    /// worker's.
    async fn delete(&self, id: &TaskId, force: bool, now: Timestamp) -> Result<Deleted, StoreError>;

    /// Tells of changes of one scan.
    fn watch(&self, id: &TaskId) -> Watch;

    /// Waits until there may be something to claim.
    async fn wake(&self);
}
