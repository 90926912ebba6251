//! How long a scan will wait, by what those before it took.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use scanhost_domain::{
    ids::PoolName,
    scan::{Finished, Scan, ScanState, Status},
};

use crate::{host::Host, snapshot::Snapshot, store::ListQuery};

/// What a small scan takes, as long as nothing is known.
const UNKNOWN: Duration = Duration::from_secs(300);

/// The last scans of a pool that count.
const LAST: usize = 20;

/// Between two looks at what other processes have done.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// What scans of each pool take.
#[derive(Default)]
pub struct Waits(Mutex<HashMap<PoolName, Known>>);

#[derive(Default)]
struct Known {
    /// Of the last completed scans.
    times: VecDeque<Duration>,
    looked_at: Option<Instant>,
}

impl Waits {
    /// A scan of the pool took so long.
    pub fn note(&self, pool: &PoolName, time: Duration) {
        let mut pools = self.lock();
        let times = &mut pools.entry(pool.clone()).or_default().times;
        times.push_front(time);
        times.truncate(LAST);
    }

    /// The median of the pool's last completed scans, as far as they are known. Looks for others in the background.
    fn usual(&self, host: &Arc<Host>, pool: &PoolName) -> Duration {
        let mut pools = self.lock();
        let known = pools.entry(pool.clone()).or_default();
        let notes_all = host.role.runs_scans() && !known.times.is_empty();
        if !notes_all && known.looked_at.is_none_or(|at| at.elapsed() > LOOK_AGAIN) {
            known.looked_at = Some(Instant::now());
            let (looking, pool) = (host.clone(), pool.clone());
            host.tasks.spawn(async move { looking.waits.look(&looking, pool).await });
        }
        let mut times: Vec<Duration> = known.times.iter().copied().collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(UNKNOWN)
    }

    async fn look(&self, host: &Host, pool: PoolName) {
        let query = ListQuery {
            status: Some(Status::Completed),
            scan_type: None,
            pool: Some(pool.clone()),
            target: None,
            before: None,
            limit: LAST,
        };
        let listed = host.store.list(query).await.map(|listed| listed.scans).unwrap_or_default();
        let mut pools = self.lock();
        let known = pools.entry(pool).or_default();
        // From its end on, since it may have taken long.
        known.looked_at = Some(Instant::now());
        if !listed.is_empty() {
            known.times = listed.iter().filter_map(time_of).collect();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PoolName, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn time_of(scan: &Scan) -> Option<Duration> {
    let ScanState::Finished(Finished { completed_at, run: Some(run), .. }) = &scan.state else { return None };
    Duration::try_from(completed_at.duration_since(run.started_at)).ok()
}

/// Seconds until the scan at this place of the pool's queue starts, about.
pub async fn estimate(host: &Arc<Host>, snapshot: &Snapshot, pool: &PoolName, position: u64) -> u64 {
    let active = host.store.active().await.unwrap_or_default();
    let (mut capacity, mut free) = (0, 0);
    for scanner in snapshot.scanners.iter().filter(|scanner| scanner.id.pool == *pool && scanner.config.enabled) {
        let busy = active.iter().find(|(id, _)| *id == scanner.id).map_or(0, |(_, count)| *count);
        capacity += u64::from(scanner.config.max_concurrent_scans);
        free += u64::from(scanner.config.max_concurrent_scans.saturating_sub(busy));
    }
    let rounds = position.saturating_sub(free).div_ceil(capacity.max(1));
    if rounds == 0 {
        return 0;
    }
    let usual = host.waits.usual(host, pool);
    usual.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX)).as_secs().max(1)
}
