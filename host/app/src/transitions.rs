//! Logs and counts every change of a scan's state, and every refused one. It wraps the parts of the store that make
//! them, so that no caller can forget to.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use scanhost_domain::{
    ids::{PoolName, ScannerId, TaskId},
    scan::{Failure, Fence, Outcome, Running, Scan, ScanState, Status},
};
use scanhost_store::{
    Cancelled, Change, Claimed, ConfiguredScanners, DeadLetter, DeadLetters, Deleted, Idempotency, ListQuery, Listed,
    NewScan, Parts, PoolOffer, PoolState, Scans, StoreError, Submitted, Watch, WorkError,
};

use crate::metrics::Metrics;

pub struct Ledger {
    scans: Arc<dyn Scans>,
    dead_letters: Arc<dyn DeadLetters>,
    metrics: Arc<Metrics>,
}

impl Ledger {
    /// Wraps the parts of a store that change the states of scans.
    pub fn wrap(parts: Parts, metrics: Arc<Metrics>) -> Parts {
        let (scans, dead_letters) = (parts.scans, parts.dead_letters);
        let ledger = Arc::new(Self { scans, dead_letters, metrics });
        Parts { scans: ledger.clone(), dead_letters: ledger, ..parts }
    }

    fn ended(&self, scan: &Scan) {
        self.metrics.ended(scan);
        let (pool, status) = (&scan.request.pool, scan.status());
        let ScanState::Finished(finished) = &scan.state else { return };
        match &finished.outcome {
            Outcome::Failed(failure) => {
                let (code, reason) = (failure.code.name(), &failure.message);
                tracing::warn!(scan = %scan.id, trace = %scan.trace, %pool, %status, code, reason, "scan ended");
            }
            Outcome::Completed(_) | Outcome::Timeout | Outcome::Cancelled => {
                tracing::info!(scan = %scan.id, trace = %scan.trace, %pool, %status, "scan ended");
            }
        }
    }

    fn refused(&self, scan: &Scan, wanted: &str) {
        self.metrics.refused_transition();
        let (pool, status) = (&scan.request.pool, scan.status());
        tracing::warn!(scan = %scan.id, trace = %scan.trace, %pool, %status, wanted, "refused transition");
    }

    /// A worker wrote to a scan that it no longer has.
    async fn refused_worker<T>(&self, id: &TaskId, wanted: &str, result: &Result<T, WorkError>) {
        if !matches!(result, Err(WorkError::Stale)) {
            return;
        }
        match self.scans.scan(id).await {
            Ok(Some(scan)) => self.refused(&scan, wanted),
            // The worker's own line has the trace id of a scan that is gone.
            Ok(None) | Err(_) => {
                self.metrics.refused_transition();
                tracing::warn!(scan = %id, wanted, "refused transition: the scan is gone");
            }
        }
    }
}

fn submitted(scan: &Scan, position: Option<u64>) {
    let (pool, retry_of) = (&scan.request.pool, scan.retry_of.as_ref().map(TaskId::as_str));
    tracing::info!(scan = %scan.id, trace = %scan.trace, %pool, position, retry_of, "scan submitted");
}

#[async_trait]
impl Scans for Ledger {
    fn lease(&self) -> Option<Duration> {
        self.scans.lease()
    }

    async fn submit(&self, new: NewScan) -> Result<Submitted, StoreError> {
        let answer = self.scans.submit(new).await?;
        if let Submitted::New { scan, position } = &answer {
            submitted(scan, Some(*position));
        }
        Ok(answer)
    }

    async fn claim(&self, offers: &[PoolOffer], now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        let claimed = self.scans.claim(offers, now).await?;
        if let Some(Claimed { scan, running }) = &claimed {
            let (pool, scanner, recoveries) = (&scan.request.pool, &running.slot.scanner, running.recoveries);
            tracing::info!(scan = %scan.id, trace = %scan.trace, %pool, %scanner, recoveries, "scan claimed");
        }
        Ok(claimed)
    }

    async fn update(&self, id: &TaskId, fence: Fence, change: Change) -> Result<Running, WorkError> {
        let wanted = match &change {
            Change::Enter { phase, .. } => phase.name().name(),
            Change::PluginState(_)
            | Change::Plugin(_)
            | Change::Retry(_)
            | Change::CallWorked
            | Change::Progressed
            | Change::Crashed => "step",
        };
        let updated = self.scans.update(id, fence, change).await;
        self.refused_worker(id, wanted, &updated).await;
        updated
    }

    async fn finish(&self, id: &TaskId, fence: Fence, outcome: Outcome, now: Timestamp) -> Result<Scan, WorkError> {
        let wanted = outcome.status().name();
        let finished = self.scans.finish(id, fence, outcome, now).await;
        self.refused_worker(id, wanted, &finished).await;
        finished.inspect(|scan| self.ended(scan))
    }

    async fn cancel(&self, id: &TaskId, now: Timestamp) -> Result<Cancelled, StoreError> {
        let cancelled = self.scans.cancel(id, now).await?;
        match &cancelled {
            Cancelled::Ended(scan) => self.ended(scan),
            Cancelled::Requested(scan) => {
                tracing::info!(scan = %scan.id, trace = %scan.trace, pool = %scan.request.pool, "cancel requested");
            }
            // Twice is the same as once.
            Cancelled::Refused(scan) if scan.status() == Status::Cancelled => {}
            Cancelled::Refused(scan) => self.refused(scan, Status::Cancelled.name()),
            Cancelled::NotFound => {}
        }
        Ok(cancelled)
    }

    async fn delete(&self, id: &TaskId, force: bool, now: Timestamp) -> Result<Deleted, StoreError> {
        let deleted = self.scans.delete(id, force, now).await?;
        if let Deleted::Done(scan) = &deleted {
            // One that had not ended has ended with this very step.
            if matches!(&scan.state, ScanState::Finished(finished) if finished.completed_at == now) {
                self.ended(scan);
            }
            tracing::info!(scan = %scan.id, trace = %scan.trace, pool = %scan.request.pool, "scan deleted");
        }
        Ok(deleted)
    }

    async fn fail_waiting(&self, id: &TaskId, failure: Failure, now: Timestamp) -> Result<Option<Scan>, StoreError> {
        let failed = self.scans.fail_waiting(id, failure, now).await?;
        if let Some(scan) = &failed {
            self.ended(scan);
        }
        Ok(failed)
    }

    async fn stranded(&self, known: ConfiguredScanners, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        self.scans.stranded(known, limit).await
    }

    async fn known(&self, idempotency: &Idempotency, now: Timestamp) -> Result<Option<Submitted>, StoreError> {
        self.scans.known(idempotency, now).await
    }

    async fn scan(&self, id: &TaskId) -> Result<Option<Scan>, StoreError> {
        self.scans.scan(id).await
    }

    async fn position(&self, scan: &Scan) -> Result<Option<u64>, StoreError> {
        self.scans.position(scan).await
    }

    async fn list(&self, query: ListQuery) -> Result<Listed, StoreError> {
        self.scans.list(query).await
    }

    async fn pool(&self, pool: &PoolName) -> Result<PoolState, StoreError> {
        self.scans.pool(pool).await
    }

    async fn active(&self) -> Result<Vec<(ScannerId, u32)>, StoreError> {
        self.scans.active().await
    }

    async fn note_progress(&self, id: &TaskId, fence: Fence, percent: u8) {
        self.scans.note_progress(id, fence, percent).await;
    }

    async fn release(&self, id: &TaskId, fence: Fence) {
        self.scans.release(id, fence).await;
    }

    async fn heartbeat(&self, id: &TaskId, fence: Fence) -> Result<(), WorkError> {
        self.scans.heartbeat(id, fence).await
    }

    async fn touch(&self, id: &TaskId, now: Timestamp) -> Result<(), StoreError> {
        self.scans.touch(id, now).await
    }

    async fn expired(
        &self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<TaskId>, StoreError> {
        self.scans.expired(completed_before, failed_before, limit).await
    }

    fn watch(&self, id: &TaskId) -> Watch {
        self.scans.watch(id)
    }

    async fn wake(&self) {
        self.scans.wake().await;
    }
}

#[async_trait]
impl DeadLetters for Ledger {
    async fn retry_dead_letter(&self, new: NewScan) -> Result<Option<Scan>, StoreError> {
        let retried = self.dead_letters.retry_dead_letter(new).await?;
        if let Some(scan) = &retried {
            submitted(scan, None);
        }
        Ok(retried)
    }

    async fn dead_letters(&self, pool: Option<&PoolName>) -> Result<Vec<DeadLetter>, StoreError> {
        self.dead_letters.dead_letters(pool).await
    }

    async fn purge_dead_letters(&self, ids: &[TaskId]) -> Result<u64, StoreError> {
        self.dead_letters.purge_dead_letters(ids).await
    }
}
