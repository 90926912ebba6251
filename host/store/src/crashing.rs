//! A store whose every write has a crash point before and one after it. Reads pass through.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use scanhost_domain::{
    ids::{PoolName, ScannerId, TaskId},
    scan::{Failure, Fence, Outcome, Running, Scan},
};
use scanhost_system::failpoint::{around, reach};

use super::{
    Cancelled, Change, Claimed, Condition, ConfiguredScanners, DeadLetter, DeadLetters, Deleted, Idempotency,
    ListQuery, Listed, NewScan, Parts, PoolOffer, PoolState, ScannerReport, ScannerReports, Scans, Settings,
    StoreError, Submitted, Watch, WorkError,
};

struct CrashingStore(Parts);

/// Wraps the parts that write what the host must not lose.
pub fn wrap(parts: Parts) -> Parts {
    let (remote_scans, sessions) = (parts.remote_scans.clone(), parts.sessions.clone());
    let crashing = Arc::new(CrashingStore(parts));
    Parts {
        scans: crashing.clone(),
        dead_letters: crashing.clone(),
        remote_scans,
        scanner_reports: crashing.clone(),
        sessions,
        settings: crashing,
    }
}

/// The step of an update, named by what it stores: each phase is a step of its own.
fn step_of(change: &Change) -> String {
    match change {
        Change::Enter { phase, .. } => format!("store.update.{}", phase.name()),
        Change::Retry(_) => "store.update.retry".to_owned(),
        Change::PluginState(_) | Change::Plugin(_) | Change::CallWorked | Change::Progressed | Change::Crashed => {
            "store.update.state".to_owned()
        }
    }
}

#[async_trait]
impl Scans for CrashingStore {
    fn lease(&self) -> Option<Duration> {
        self.0.scans.lease()
    }

    async fn submit(&self, new: NewScan) -> Result<Submitted, StoreError> {
        around("store.submit", self.0.scans.submit(new)).await
    }

    async fn known(&self, idempotency: &Idempotency, now: Timestamp) -> Result<Option<Submitted>, StoreError> {
        self.0.scans.known(idempotency, now).await
    }

    async fn scan(&self, id: &TaskId) -> Result<Option<Scan>, StoreError> {
        self.0.scans.scan(id).await
    }

    async fn position(&self, scan: &Scan) -> Result<Option<u64>, StoreError> {
        self.0.scans.position(scan).await
    }

    async fn list(&self, query: ListQuery) -> Result<Listed, StoreError> {
        self.0.scans.list(query).await
    }

    async fn pool(&self, pool: &PoolName) -> Result<PoolState, StoreError> {
        self.0.scans.pool(pool).await
    }

    async fn active(&self) -> Result<Vec<(ScannerId, u32)>, StoreError> {
        self.0.scans.active().await
    }

    async fn claim(&self, offers: &[PoolOffer], now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        reach("store.claim", "before");
        let claimed = self.0.scans.claim(offers, now).await;
        // Most claims find nothing and write nothing.
        if let Ok(Some(_)) = claimed {
            reach("store.claim", "after");
        }
        claimed
    }

    async fn update(&self, id: &TaskId, fence: Fence, change: Change) -> Result<Running, WorkError> {
        around(&step_of(&change), self.0.scans.update(id, fence, change)).await
    }

    async fn note_progress(&self, id: &TaskId, fence: Fence, percent: u8) {
        around("store.progress", self.0.scans.note_progress(id, fence, percent)).await;
    }

    async fn finish(&self, id: &TaskId, fence: Fence, outcome: Outcome, now: Timestamp) -> Result<Scan, WorkError> {
        around("store.finish", self.0.scans.finish(id, fence, outcome, now)).await
    }

    async fn release(&self, id: &TaskId, fence: Fence) {
        around("store.release", self.0.scans.release(id, fence)).await;
    }

    async fn heartbeat(&self, id: &TaskId, fence: Fence) -> Result<(), WorkError> {
        around("store.heartbeat", self.0.scans.heartbeat(id, fence)).await
    }

    async fn cancel(&self, id: &TaskId, now: Timestamp) -> Result<Cancelled, StoreError> {
        around("store.cancel", self.0.scans.cancel(id, now)).await
    }

    async fn delete(&self, id: &TaskId, force: bool, now: Timestamp) -> Result<Deleted, StoreError> {
        around("store.delete", self.0.scans.delete(id, force, now)).await
    }

    async fn stranded(&self, known: ConfiguredScanners, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        self.0.scans.stranded(known, limit).await
    }

    async fn fail_waiting(&self, id: &TaskId, failure: Failure, now: Timestamp) -> Result<Option<Scan>, StoreError> {
        self.0.scans.fail_waiting(id, failure, now).await
    }

    async fn touch(&self, id: &TaskId, now: Timestamp) -> Result<(), StoreError> {
        around("store.touch", self.0.scans.touch(id, now)).await
    }

    async fn expired(
        &self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<TaskId>, StoreError> {
        self.0.scans.expired(completed_before, failed_before, limit).await
    }

    fn watch(&self, id: &TaskId) -> Watch {
        self.0.scans.watch(id)
    }

    async fn wake(&self) {
        self.0.scans.wake().await;
    }
}

#[async_trait]
impl DeadLetters for CrashingStore {
    async fn dead_letters(&self, pool: Option<&PoolName>) -> Result<Vec<DeadLetter>, StoreError> {
        self.0.dead_letters.dead_letters(pool).await
    }

    async fn retry_dead_letter(&self, new: NewScan) -> Result<Option<Scan>, StoreError> {
        around("store.retry_dead_letter", self.0.dead_letters.retry_dead_letter(new)).await
    }

    async fn purge_dead_letters(&self, ids: &[TaskId]) -> Result<u64, StoreError> {
        around("store.purge_dead_letters", self.0.dead_letters.purge_dead_letters(ids)).await
    }
}

#[async_trait]
impl ScannerReports for CrashingStore {
    async fn report_scanner(&self, scanner: &ScannerId, report: ScannerReport) -> Result<(), StoreError> {
        around("store.report_scanner", self.0.scanner_reports.report_scanner(scanner, report)).await
    }

    async fn scanner_reports(&self) -> Result<Vec<(ScannerId, ScannerReport)>, StoreError> {
        self.0.scanner_reports.scanner_reports().await
    }

    async fn take_probe(&self, scanner: &ScannerId, time: Duration) -> Result<bool, StoreError> {
        self.0.scanner_reports.take_probe(scanner, time).await
    }
}

#[async_trait]
impl Settings for CrashingStore {
    async fn is_paused(&self, pool: &PoolName) -> Result<bool, StoreError> {
        self.0.settings.is_paused(pool).await
    }

    async fn pause(&self, pool: &PoolName, paused: bool) -> Result<(), StoreError> {
        around("store.pause", self.0.settings.pause(pool, paused)).await
    }

    async fn is_bound(&self) -> Result<bool, StoreError> {
        self.0.settings.is_bound().await
    }

    async fn condition(&self) -> Result<Condition, StoreError> {
        self.0.settings.condition().await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.0.settings.probe().await
    }
}
