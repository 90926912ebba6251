//! What a store can do, as one trait for each kind of user.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use scanhost_domain::{
    ids::{PoolName, ScannerId, TaskId},
    scan::{Failure, Fence, Outcome, Running, Scan},
};

use crate::{
    Cancelled, Change, Claimed, Condition, ConfiguredScanners, DeadLetter, Deleted, Idempotency, Leftover, ListQuery,
    Listed, NewScan, PoolOffer, PoolState, ScannerReport, StoreError, Submitted, Trust, Watch, WorkError,
};

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

    /// The workers' reports about scanners, no older than [`crate::REPORT_LIFE`].
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
