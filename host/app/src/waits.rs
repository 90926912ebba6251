//! How long scans of each pool take, learned from those that have ended.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use scanhost_domain::{
    ids::PoolName,
    scan::{Scan, ScanState},
};

/// The estimate for a scan as long as no scan of its pool has completed.
const UNKNOWN: Duration = Duration::from_secs(300);

/// The latest scans of a pool that count.
pub const LATEST: usize = 20;

/// The time between two looks at the scans of other processes.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// The durations of the latest completed scans, by pool.
#[derive(Default)]
pub struct Waits(Mutex<HashMap<PoolName, Known>>);

#[derive(Default)]
struct Known {
    /// The latest first.
    times: VecDeque<Duration>,
    looked_at: Option<Instant>,
}

impl Waits {
    /// Records that a scan of the pool took so long.
    pub fn note(&self, pool: &PoolName, time: Duration) {
        let mut pools = self.lock();
        let times = &mut pools.entry(pool.clone()).or_default().times;
        times.push_front(time);
        times.truncate(LATEST);
    }

    /// The median of the pool's latest completed scans.
    pub fn median(&self, pool: &PoolName) -> Duration {
        let pools = self.lock();
        let mut times: Vec<Duration> = pools.get(pool).into_iter().flat_map(|known| &known.times).copied().collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(UNKNOWN)
    }

    /// Whether the store should be asked for the pool's latest scans now; the caller then asks it. `notes_all` says that
    /// every scan of the pool is noted by this process once it has ended.
    pub fn begin_look(&self, pool: &PoolName, notes_all: bool) -> bool {
        let mut pools = self.lock();
        let known = pools.entry(pool.clone()).or_default();
        if notes_all && !known.times.is_empty() || known.looked_at.is_some_and(|at| at.elapsed() <= LOOK_INTERVAL) {
            return false;
        }
        known.looked_at = Some(Instant::now());
        true
    }

    /// Takes over what the store had. The interval counts from here, since looking may have taken long.
    pub fn end_look(&self, pool: PoolName, scans: &[Scan]) {
        let mut pools = self.lock();
        let known = pools.entry(pool).or_default();
        known.looked_at = Some(Instant::now());
        if !scans.is_empty() {
            known.times = scans.iter().filter_map(duration).collect();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PoolName, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn duration(scan: &Scan) -> Option<Duration> {
    let ScanState::Finished(finished) = &scan.state else { return None };
    let (completed_at, run) = (finished.completed_at, finished.run.as_ref()?);
    Duration::try_from(completed_at.duration_since(run.started_at)).ok()
}
