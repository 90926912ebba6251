//! The store of one process: redb in the data folder.
//! One writer thread puts all waiting writes into one transaction and one fsync; readers see the last commit.

mod claim;
mod database;
mod index;
mod reader;
mod remote;
mod remote_scans;
mod sessions;
mod steps;
mod tables;
mod writer;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use jiff::Timestamp;
use scanhost_domain::{
    ids::{PoolName, ScannerId, TaskId},
    scan::{Failure, Fence, Outcome, Running, Scan, ScanState},
};
use scanhost_system::clock;
use tokio::sync::Notify;

use super::{
    Cancelled, Change, Claimed, Condition, ConfiguredScanners, DeadLetter, DeadLetters, Deleted, Idempotency,
    ListQuery, Listed, NewScan, PoolOffer, PoolState, REPORT_LIFE, ScannerReport, ScannerReports, Scans, Sessions,
    Settings, StoreError, Submitted, WorkError,
    watch::{Watch, Watchers},
};
use database::DatabaseFile;
use reader::Reader;
use writer::Writer;

/// How long a worker sleeps at most before it tries to claim again by itself.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

pub struct EmbeddedStore {
    writer: Writer,
    reader: Reader,
    driven: Driven,
    watchers: Watchers,
    work: Arc<Notify>,
    reports: Mutex<HashMap<ScannerId, (ScannerReport, Instant)>>,
    /// Until when this process has the probe of each scanner.
    probes: Mutex<HashMap<ScannerId, Instant>>,
}

/// The scans that workers of this process drive, with their fence and progress. A running scan that is not here has
/// lost its worker.
#[derive(Clone, Default)]
struct Driven(Arc<Mutex<HashMap<TaskId, (Fence, u8)>>>);

impl Driven {
    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, (Fence, u8)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show_progress(&self, scan: &mut Scan) {
        if let ScanState::Running(running) = &mut scan.state
            && let Some((_, percent)) = self.lock().get(&scan.id)
        {
            running.advance(*percent);
        }
    }
}

impl EmbeddedStore {
    /// Opens the store in the data folder, or creates it if there is none.
    pub fn open(data: &Path) -> Result<Self, StoreError> {
        let database = Arc::new(DatabaseFile::open(data)?);
        Ok(Self {
            writer: Writer::start(database.clone()),
            reader: Reader::new(database),
            driven: Driven::default(),
            watchers: Watchers::default(),
            work: Arc::new(Notify::new()),
            reports: Mutex::default(),
            probes: Mutex::default(),
        })
    }

    /// Binds the store to the secrets key. It fails if the store is bound to another key.
    pub async fn bind_key(&self, fingerprint: [u8; 8]) -> Result<(), StoreError> {
        let fingerprint = u64::from_le_bytes(fingerprint);
        match self.writer.write(move |tables| steps::bind_key(tables, fingerprint)).await? {
            true => Ok(()),
            false => Err(StoreError::OtherKey),
        }
    }

    fn lock_reports(&self) -> MutexGuard<'_, HashMap<ScannerId, (ScannerReport, Instant)>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, id: &TaskId) {
        self.watchers.changed(id);
        self.work.notify_one();
    }
}

/// Reads much data on a thread for blocking work.
async fn read<T: Send + 'static>(
    reader: &Reader,
    look: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let reader = reader.clone();
    let read = tokio::task::spawn_blocking(move || look(&reader)).await;
    read.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
}

#[async_trait]
impl Scans for EmbeddedStore {
    fn lease(&self) -> Option<Duration> {
        None
    }

    async fn submit(&self, new: NewScan) -> Result<Submitted, StoreError> {
        let submitted = self.writer.write(move |tables| steps::submit(tables, &new)).await?;
        if let Submitted::New { .. } = submitted {
            self.work.notify_one();
        }
        Ok(submitted)
    }

    async fn known(&self, idempotency: &Idempotency, now: Timestamp) -> Result<Option<Submitted>, StoreError> {
        self.reader.known(idempotency, now)
    }

    async fn scan(&self, id: &TaskId) -> Result<Option<Scan>, StoreError> {
        let mut scan = self.reader.scan(id)?;
        if let Some(scan) = &mut scan {
            self.driven.show_progress(scan);
        }
        Ok(scan)
    }

    async fn position(&self, scan: &Scan) -> Result<Option<u64>, StoreError> {
        Ok(self.reader.position(scan))
    }

    async fn list(&self, query: ListQuery) -> Result<Listed, StoreError> {
        let mut listed = read(&self.reader, move |reader| reader.list(&query)).await?;
        listed.scans.iter_mut().for_each(|scan| self.driven.show_progress(scan));
        Ok(listed)
    }

    async fn pool(&self, pool: &PoolName) -> Result<PoolState, StoreError> {
        self.reader.pool(pool)
    }

    async fn active(&self) -> Result<Vec<(ScannerId, u32)>, StoreError> {
        self.reader.active()
    }

    async fn claim(&self, offers: &[PoolOffer], now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        // Most claims find nothing, and those should not write. If the check fails, the writer takes over, which can
        // open the database again.
        if let Ok(false) = self.reader.has_work(offers, |id| self.driven.lock().contains_key(id)) {
            return Ok(None);
        }
        let (offers, driven) = (offers.to_vec(), self.driven.clone());
        let marked: Arc<Mutex<Option<TaskId>>> = Arc::default();
        let mark = marked.clone();
        let claimed = self.writer.write(move |tables| {
            let is_driven = |id: &TaskId| driven.lock().contains_key(id);
            let claimed = claim::claim(tables, &offers, now, is_driven)?;
            if let Some(claimed) = &claimed {
                // This is before the commit, so that a second claim in the same transaction does not take the scan for
                // lost.
                driven.lock().insert(claimed.scan.id.clone(), (claimed.running.fence, claimed.running.progress));
                *mark.lock().unwrap_or_else(PoisonError::into_inner) = Some(claimed.scan.id.clone());
            }
            Ok(claimed)
        });
        let claimed = match claimed.await {
            Ok(claimed) => claimed,
            Err(error) => {
                // What was not committed was not claimed.
                if let Some(id) = marked.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    self.driven.lock().remove(&id);
                }
                return Err(error);
            }
        };
        if let Some(claimed) = &claimed {
            self.changed(&claimed.scan.id);
        }
        Ok(claimed)
    }

    async fn update(&self, id: &TaskId, fence: Fence, change: Change) -> Result<Running, WorkError> {
        let scan = id.clone();
        let running = self.writer.write(move |tables| steps::update(tables, &scan, fence, change)).await?;
        let running = running.ok_or(WorkError::Stale)?;
        self.watchers.changed(id);
        Ok(running)
    }

    async fn note_progress(&self, id: &TaskId, fence: Fence, percent: u8) {
        let changed = match self.driven.lock().get_mut(id) {
            Some((driven, progress)) if *driven == fence && *progress < percent => {
                *progress = percent;
                true
            }
            _ => false,
        };
        if changed {
            self.watchers.changed(id);
        }
    }

    async fn finish(&self, id: &TaskId, fence: Fence, outcome: Outcome, now: Timestamp) -> Result<Scan, WorkError> {
        let (scan, progress) = (id.clone(), self.driven.lock().get(id).map_or(0, |(_, percent)| *percent));
        let finished = self.writer.write(move |tables| steps::finish(tables, &scan, fence, outcome, progress, now));
        let finished = finished.await?.ok_or(WorkError::Stale)?;
        self.release(id, fence).await;
        self.changed(id);
        Ok(finished)
    }

    async fn release(&self, id: &TaskId, fence: Fence) {
        let mut driven = self.driven.lock();
        if driven.get(id).is_some_and(|(present, _)| *present == fence) {
            driven.remove(id);
        }
        drop(driven);
        self.work.notify_one();
    }

    async fn heartbeat(&self, id: &TaskId, fence: Fence) -> Result<(), WorkError> {
        // One process owns this store: its workers are lost together with it.
        match self.driven.lock().get(id) {
            Some((driven, _)) if *driven == fence => Ok(()),
            _ => Err(WorkError::Stale),
        }
    }

    async fn cancel(&self, id: &TaskId, now: Timestamp) -> Result<Cancelled, StoreError> {
        let scan = id.clone();
        let cancelled = self.writer.write(move |tables| steps::cancel(tables, &scan, now)).await?;
        self.changed(id);
        Ok(cancelled)
    }

    async fn stranded(&self, known: ConfiguredScanners, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        read(&self.reader, move |reader| reader.stranded(&known, limit)).await
    }

    async fn fail_waiting(&self, id: &TaskId, failure: Failure, now: Timestamp) -> Result<Option<Scan>, StoreError> {
        let scan = id.clone();
        let failed = self.writer.write(move |tables| steps::fail_waiting(tables, &scan, failure, now)).await?;
        if failed.is_some() {
            self.changed(id);
        }
        Ok(failed)
    }

    async fn delete(&self, id: &TaskId, force: bool, now: Timestamp) -> Result<Deleted, StoreError> {
        let scan = id.clone();
        let deleted = self.writer.write(move |tables| steps::delete(tables, &scan, force, now)).await?;
        if let Deleted::Done(_) = deleted {
            self.driven.lock().remove(id);
            self.changed(id);
        }
        Ok(deleted)
    }

    async fn touch(&self, id: &TaskId, now: Timestamp) -> Result<(), StoreError> {
        let scan = id.clone();
        self.writer.write(move |tables| tables.touch(&scan, now)).await
    }

    async fn expired(
        &self,
        completed_before: Timestamp,
        failed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<TaskId>, StoreError> {
        read(&self.reader, move |reader| reader.expired(completed_before, failed_before, limit)).await
    }

    fn watch(&self, id: &TaskId) -> Watch {
        self.watchers.watch(id)
    }

    async fn wake(&self) {
        // A missed wake-up costs one sleep and no more.
        let _elapsed = tokio::time::timeout(LONGEST_SLEEP, self.work.notified()).await;
    }
}

#[async_trait]
impl DeadLetters for EmbeddedStore {
    async fn dead_letters(&self, pool: Option<&PoolName>) -> Result<Vec<DeadLetter>, StoreError> {
        let pool = pool.cloned();
        read(&self.reader, move |reader| reader.dead_letters(pool.as_ref())).await
    }

    async fn retry_dead_letter(&self, new: NewScan) -> Result<Option<Scan>, StoreError> {
        let retried = self.writer.write(move |tables| steps::retry_dead_letter(tables, &new)).await?;
        self.work.notify_one();
        Ok(retried)
    }

    async fn purge_dead_letters(&self, ids: &[TaskId]) -> Result<u64, StoreError> {
        let ids = ids.to_vec();
        self.writer.write(move |tables| steps::purge_dead_letters(tables, &ids)).await
    }
}

#[async_trait]
impl ScannerReports for EmbeddedStore {
    async fn report_scanner(&self, scanner: &ScannerId, report: ScannerReport) -> Result<(), StoreError> {
        let before = self.lock_reports().insert(scanner.clone(), (report.clone(), Instant::now()));
        // A breaker that has closed lets waiting scans start.
        if before.is_none_or(|(before, _)| before.circuit != report.circuit) {
            self.work.notify_one();
        }
        Ok(())
    }

    async fn scanner_reports(&self) -> Result<Vec<(ScannerId, ScannerReport)>, StoreError> {
        let mut reports = self.lock_reports();
        reports.retain(|_, (_, reported)| reported.elapsed() < REPORT_LIFE);
        Ok(reports.iter().map(|(scanner, (report, _))| (scanner.clone(), report.clone())).collect())
    }

    async fn take_probe(&self, scanner: &ScannerId, time: Duration) -> Result<bool, StoreError> {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_free = probes.get(scanner).is_none_or(|until| *until <= now);
        if is_free {
            probes.insert(scanner.clone(), now + time);
        }
        Ok(is_free)
    }
}

#[async_trait]
impl Sessions for EmbeddedStore {
    async fn put_session(&self, id: &str, session: &[u8], expires_at: Timestamp) -> Result<(), StoreError> {
        let (id, session, now) = (id.to_owned(), session.to_vec(), clock::now());
        self.writer.write(move |tables| sessions::put(tables, &id, &session, expires_at, now)).await
    }

    async fn session(&self, id: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        self.reader.session(id, now)
    }

    async fn delete_session(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.writer.write(move |tables| sessions::delete(tables, &id)).await
    }
}

#[async_trait]
impl Settings for EmbeddedStore {
    async fn is_paused(&self, pool: &PoolName) -> Result<bool, StoreError> {
        self.reader.is_paused(pool)
    }

    async fn pause(&self, pool: &PoolName, paused: bool) -> Result<(), StoreError> {
        let pool = pool.clone();
        self.writer.write(move |tables| steps::pause(tables, &pool, paused)).await?;
        self.work.notify_one();
        Ok(())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.writer.write(|tables| tables.next("probe")).await.map(drop)
    }

    async fn is_bound(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn condition(&self) -> Result<Condition, StoreError> {
        Ok(Condition::default())
    }
}
