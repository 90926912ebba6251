//! The store of scans and the one writer of their states: each operation is one atomic, durable step that changes a
//! scan together with its queue entry, its idempotency key and its dead letter.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use scanhost_domain::{
    breaker::Circuit,
    ids::{IdempotencyKey, PoolName, ScannerId, TaskId, TraceId},
    request::{ScanRequest, ScanType},
    scan::{Failure, Fence, Outcome, Running, Scan, Slot, Status},
    schedule::Balance,
    target::{Target, Targets},
};

mod change;
pub mod crashing;
pub mod embedded;
pub mod record;
pub mod redis;
mod remote;
mod unreadable;
pub mod watch;

#[cfg(test)]
mod tests;

pub use change::Change;
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

/// The states of all scans and the queues. Every write is durable before it answers.
#[async_trait]
pub trait Scans: Send + Sync {
    /// How long a lease lasts without a heartbeat; `None` if a scan stays its worker's for as long as the process
    /// lives.
    fn lease(&self) -> Option<Duration>;

    async fn submit(&self, new: NewScan) -> Result<Submitted, StoreError>;

    /// The answer to a submit with this key, if the key was used before.
    async fn known(&self, idempotency: &Idempotency, now: Timestamp) -> Result<Option<Submitted>, StoreError>;

    async fn scan(&self, id: &TaskId) -> Result<Option<Scan>, StoreError>;

    /// The scan's place in the queue, from 1; `None` if it does not wait.
    async fn position(&self, scan: &Scan) -> Result<Option<u64>, StoreError>;

    async fn list(&self, query: ListQuery) -> Result<Listed, StoreError>;

    /// Lists as many scans as are asked for, if there are so many, however large they are.
    async fn list_on(&self, mut query: ListQuery) -> Result<Vec<Scan>, StoreError> {
        let mut scans = Vec::new();
        loop {
            let listed = self.list(query.clone()).await?;
            query.limit = query.limit.saturating_sub(listed.scans.len());
            query.before = listed.next;
            // An empty list has looked at its maximum of records.
            let is_last = listed.scans.is_empty() || query.limit == 0 || query.before.is_none();
            scans.extend(listed.scans);
            if is_last {
                return Ok(scans);
            }
        }
    }

    async fn pool(&self, pool: &PoolName) -> Result<PoolState, StoreError>;

    /// How many scans each scanner drives now.
    async fn active(&self) -> Result<Vec<(ScannerId, u32)>, StoreError>;

    /// Claims the next scan: first one that lost its worker, else the first one of a queue for which a scanner is free.
    /// Pools take turns.
    async fn claim(&self, offers: &[PoolOffer], now: Timestamp) -> Result<Option<Claimed>, StoreError>;

    /// Stores a step of the scan's worker.
    async fn update(&self, id: &TaskId, fence: Fence, change: Change) -> Result<Running, WorkError>;

    /// Notes progress, without making it durable.
    async fn note_progress(&self, id: &TaskId, fence: Fence, percent: u8);

    async fn finish(&self, id: &TaskId, fence: Fence, outcome: Outcome, now: Timestamp) -> Result<Scan, WorkError>;

    /// Gives the scan back without an outcome, so that it is claimed again.
    async fn release(&self, id: &TaskId, fence: Fence);

    /// Renews the lease of the worker that drives the scan. Without heartbeats another worker may claim the scan.
    ///
    /// # Errors
    /// It is [`WorkError::Stale`] if another worker has the scan.
    async fn heartbeat(&self, id: &TaskId, fence: Fence) -> Result<(), WorkError>;

    async fn cancel(&self, id: &TaskId, now: Timestamp) -> Result<Cancelled, StoreError>;

    /// The first scans, at most `limit`, that wait in a pool or for a scanner that is not configured.
    async fn stranded(&self, known: ConfiguredScanners, limit: usize) -> Result<Vec<TaskId>, StoreError>;

    /// Fails a waiting scan; `None` if it does not wait any more.
    async fn fail_waiting(&self, id: &TaskId, failure: Failure, now: Timestamp) -> Result<Option<Scan>, StoreError>;

    /// Deletes the record of a scan that waits or has ended, or of any scan with `force`. A running scan then no longer
    /// belongs to its worker.
    async fn delete(&self, id: &TaskId, force: bool, now: Timestamp) -> Result<Deleted, StoreError>;

    /// Notes that the scan's results were asked for.
    async fn touch(&self, id: &TaskId, now: Timestamp) -> Result<(), StoreError>;

    /// At most `limit` ended scans whose results nobody has asked for since: completed and cancelled ones since the
    /// first time, failed and timed out ones since the second.
    async fn expired(
        &self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<TaskId>, StoreError>;

    /// Wakes up on changes of one scan.
    fn watch(&self, id: &TaskId) -> Watch;

    /// Waits until there may be something to claim.
    async fn wake(&self);
}

/// The failed scans that are kept for the operator.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// The dead letters of one pool or of all, oldest first.
    async fn dead_letters(&self, pool: Option<&PoolName>) -> Result<Vec<DeadLetter>, StoreError>;

    /// Removes the dead letter `new.retry_of` and puts the new scan into the queue, in one step; `None` if there is no
    /// such letter.
    async fn retry_dead_letter(&self, new: NewScan) -> Result<Option<Scan>, StoreError>;

    /// Removes dead letters and returns how many there were. The scans' records stay.
    async fn purge_dead_letters(&self, ids: &[TaskId]) -> Result<u64, StoreError>;
}

/// What the workers of all processes know about the scanners.
#[async_trait]
pub trait ScannerReports: Send + Sync {
    /// Reports the state of a scanner to all processes.
    async fn report_scanner(&self, scanner: &ScannerId, report: ScannerReport) -> Result<(), StoreError>;

    /// The workers' reports about scanners, no older than [`REPORT_LIFE`].
    async fn scanner_reports(&self) -> Result<Vec<(ScannerId, ScannerReport)>, StoreError>;

    /// Whether this process may probe a scanner whose breaker is open. If so, nobody else may for this time.
    async fn take_probe(&self, scanner: &ScannerId, time: Duration) -> Result<bool, StoreError>;
}

/// What any process needs to continue the session of a client or of a browser.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Stores what any process needs to continue a session, and replaces what was stored before.
    async fn put_session(&self, id: &str, session: &[u8], expires_at: Timestamp) -> Result<(), StoreError>;

    /// The stored session; `None` once it has expired.
    async fn session(&self, id: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError>;

    async fn delete_session(&self, id: &str) -> Result<(), StoreError>;
}

/// What an operator sets while the host runs, and whether the store can write at all.
#[async_trait]
pub trait Settings: Send + Sync {
    /// Whether the pool is paused. Every submit asks this, so it reads nothing else.
    async fn is_paused(&self, pool: &PoolName) -> Result<bool, StoreError>;

    /// Pauses or resumes a pool. A paused pool starts nothing new; running scans go on.
    async fn pause(&self, pool: &PoolName, paused: bool) -> Result<(), StoreError>;

    /// Writes something durable, to see whether that works.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Whether the store still has what it was bound to at the start: a store that was emptied has not.
    async fn is_bound(&self) -> Result<bool, StoreError>;

    async fn condition(&self) -> Result<Condition, StoreError>;
}

/// What this store's tasks left at the scanners, and whether the store may clean it up.
#[async_trait]
pub trait RemoteScans: Send + Sync {
    /// All leftovers, in the order of their scanners.
    async fn leftovers(&self) -> Result<Vec<Leftover>, StoreError>;

    /// Forgets a leftover that is no longer at its scanner.
    async fn forget_leftover(&self, leftover: &Leftover) -> Result<(), StoreError>;

    /// `None` if the store was never asked for it before.
    async fn trust(&self) -> Result<Option<Trust>, StoreError>;

    async fn set_trust(&self, trust: &Trust) -> Result<(), StoreError>;

    /// Stores a scan that goes on with the remote scan `new.adopts`; `None` if there is a scan of this id already.
    async fn adopt(&self, new: NewScan) -> Result<Option<Scan>, StoreError>;
}

/// A whole store. Who uses it takes only the parts that it needs: see [`Parts`].
pub trait Store: Scans + DeadLetters + RemoteScans + ScannerReports + Sessions + Settings {}

impl<T: Scans + DeadLetters + RemoteScans + ScannerReports + Sessions + Settings> Store for T {}

/// The parts of one store, which can be wrapped and passed on each by itself.
#[derive(Clone)]
pub struct Parts {
    pub scans: Arc<dyn Scans>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub remote_scans: Arc<dyn RemoteScans>,
    pub scanner_reports: Arc<dyn ScannerReports>,
    pub sessions: Arc<dyn Sessions>,
    pub settings: Arc<dyn Settings>,
}

impl<T: Store + 'static> From<Arc<T>> for Parts {
    fn from(store: Arc<T>) -> Self {
        Self {
            scans: store.clone(),
            dead_letters: store.clone(),
            remote_scans: store.clone(),
            scanner_reports: store.clone(),
            sessions: store.clone(),
            settings: store,
        }
    }
}
