//! A store that tells what it did: every change of a scan's state, and every one that was refused, is one line in the
//! log and counted. It wraps the store in use, so that no caller can forget to.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use scanhost_domain::{
    ids::{PoolName, ScannerId, TaskId},
    scan::{Failure, Fence, Outcome, Running, Scan, ScanState, Status},
};
use scanhost_store::{
    Cancelled, Change, Claimed, ConfiguredScanners, DeadLetter, Deleted, Idempotency, ListQuery, Listed, NewScan,
    PoolOffer, PoolState, ScannerReport, Store, StoreError, Submitted, Watch, WorkError,
};

use crate::metrics::Metrics;

pub struct Ledger {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Ledger {
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
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
        match self.store.scan(id).await {
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
impl Store for Ledger {
    fn lease(&self) -> Option<Duration> {
        self.store.lease()
    }

    async fn submit(&self, new: NewScan) -> Result<Submitted, StoreError> {
        let answer = self.store.submit(new).await?;
        if let Submitted::New { scan, position } = &answer {
            submitted(scan, Some(*position));
        }
        Ok(answer)
    }

    async fn claim(&self, offers: &[PoolOffer], now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        let claimed = self.store.claim(offers, now).await?;
        if let Some(Claimed { scan, running }) = &claimed {
            let (pool, scanner, recoveries) = (&scan.request.pool, &running.slot.scanner, running.recoveries);
            tracing::info!(scan = %scan.id, trace = %scan.trace, %pool, %scanner, recoveries, "scan claimed");
        }
        Ok(claimed)
    }

    async fn update(&self, id: &TaskId, fence: Fence, change: Change) -> Result<Running, WorkError> {
        let wanted = match &change {
            Change::Enter { phase, .. } => phase.name().name(),
            Change::PluginState(_) | Change::Plugin(_) | Change::Retry(_) | Change::CallWorked | Change::Progressed => {
                "step"
            }
        };
        let updated = self.store.update(id, fence, change).await;
        self.refused_worker(id, wanted, &updated).await;
        updated
    }

    async fn finish(&self, id: &TaskId, fence: Fence, outcome: Outcome, now: Timestamp) -> Result<Scan, WorkError> {
        let wanted = outcome.status().name();
        let finished = self.store.finish(id, fence, outcome, now).await;
        self.refused_worker(id, wanted, &finished).await;
        finished.inspect(|scan| self.ended(scan))
    }

    async fn cancel(&self, id: &TaskId, now: Timestamp) -> Result<Cancelled, StoreError> {
        let cancelled = self.store.cancel(id, now).await?;
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
        let deleted = self.store.delete(id, force, now).await?;
        if let Deleted::Done(scan) = &deleted {
            // One that had not ended has ended with this very step.
            if matches!(&scan.state, ScanState::Finished(finished) if finished.completed_at == now) {
                self.ended(scan);
            }
            tracing::info!(scan = %scan.id, trace = %scan.trace, pool = %scan.request.pool, "scan deleted");
        }
        Ok(deleted)
    }

    async fn retry_dead_letter(&self, new: NewScan) -> Result<Option<Scan>, StoreError> {
        let retried = self.store.retry_dead_letter(new).await?;
        if let Some(scan) = &retried {
            submitted(scan, None);
        }
        Ok(retried)
    }

    async fn fail_waiting(&self, id: &TaskId, failure: Failure, now: Timestamp) -> Result<Option<Scan>, StoreError> {
        let failed = self.store.fail_waiting(id, failure, now).await?;
        if let Some(scan) = &failed {
            self.ended(scan);
        }
        Ok(failed)
    }

    async fn stranded(&self, known: ConfiguredScanners, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        self.store.stranded(known, limit).await
    }

    async fn known(&self, idempotency: &Idempotency, now: Timestamp) -> Result<Option<Submitted>, StoreError> {
        self.store.known(idempotency, now).await
    }

    async fn take_probe(&self, scanner: &ScannerId, time: Duration) -> Result<bool, StoreError> {
        self.store.take_probe(scanner, time).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.store.probe().await
    }

    async fn scan(&self, id: &TaskId) -> Result<Option<Scan>, StoreError> {
        self.store.scan(id).await
    }

    async fn position(&self, scan: &Scan) -> Result<Option<u64>, StoreError> {
        self.store.position(scan).await
    }

    async fn list(&self, query: ListQuery) -> Result<Listed, StoreError> {
        self.store.list(query).await
    }

    async fn pool(&self, pool: &PoolName) -> Result<PoolState, StoreError> {
        self.store.pool(pool).await
    }

    async fn is_paused(&self, pool: &PoolName) -> Result<bool, StoreError> {
        self.store.is_paused(pool).await
    }

    async fn active(&self) -> Result<Vec<(ScannerId, u32)>, StoreError> {
        self.store.active().await
    }

    async fn note_progress(&self, id: &TaskId, fence: Fence, percent: u8) {
        self.store.note_progress(id, fence, percent).await;
    }

    async fn release(&self, id: &TaskId, fence: Fence) {
        self.store.release(id, fence).await;
    }

    async fn heartbeat(&self, id: &TaskId, fence: Fence) -> Result<(), WorkError> {
        self.store.heartbeat(id, fence).await
    }

    async fn pause(&self, pool: &PoolName, paused: bool) -> Result<(), StoreError> {
        self.store.pause(pool, paused).await?;
        tracing::info!(%pool, paused, "pool paused or resumed");
        Ok(())
    }

    async fn dead_letters(&self, pool: Option<&PoolName>) -> Result<Vec<DeadLetter>, StoreError> {
        self.store.dead_letters(pool).await
    }

    async fn purge_dead_letters(&self, ids: &[TaskId]) -> Result<u64, StoreError> {
        self.store.purge_dead_letters(ids).await
    }

    async fn touch(&self, id: &TaskId, now: Timestamp) -> Result<(), StoreError> {
        self.store.touch(id, now).await
    }

    async fn expired(
        &self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<TaskId>, StoreError> {
        self.store.expired(completed_before, failed_before, limit).await
    }

    async fn report_scanner(&self, scanner: &ScannerId, report: ScannerReport) -> Result<(), StoreError> {
        self.store.report_scanner(scanner, report).await
    }

    async fn scanner_reports(&self) -> Result<Vec<(ScannerId, ScannerReport)>, StoreError> {
        self.store.scanner_reports().await
    }

    async fn put_session(&self, id: &str, session: &[u8], expires_at: Timestamp) -> Result<(), StoreError> {
        self.store.put_session(id, session, expires_at).await
    }

    async fn session(&self, id: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.session(id, now).await
    }

    async fn delete_session(&self, id: &str) -> Result<(), StoreError> {
        self.store.delete_session(id).await
    }

    fn watch(&self, id: &TaskId) -> Watch {
        self.store.watch(id)
    }

    async fn wake(&self) {
        self.store.wake().await;
    }
}
