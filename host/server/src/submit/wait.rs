//! How long a scan will wait, by what those before it took.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use scanhost_domain::{
    ids::PoolName,
    scan::{Finished, Scan, ScanState, Status},
};

use crate::{host::Host, snapshot::Snapshot, store::ListQuery};

/// What a small scan takes, as long as nothing is known.
const UNKNOWN: Duration = Duration::from_secs(300);

/// The last scans of a pool that are looked at.
const LAST: usize = 20;

/// Between two looks at them.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The same where there were none.
const LOOK_AGAIN_FOR_ANY: Duration = Duration::from_secs(1);

/// What scans of each pool take.
#[derive(Default)]
pub struct Waits(Mutex<HashMap<PoolName, Known>>);

#[derive(Default)]
struct Known {
    looked_at: Option<Instant>,
    usual: Option<Duration>,
}

impl Waits {
    /// The median of the pool's last completed scans.
    async fn usual(&self, host: &Host, pool: &PoolName) -> Duration {
        let known = {
            let mut pools = self.lock();
            let known = pools.entry(pool.clone()).or_default();
            let fresh = if known.usual.is_some() { LOOK_AGAIN } else { LOOK_AGAIN_FOR_ANY };
            if known.looked_at.is_some_and(|at| at.elapsed() < fresh) {
                return known.usual.unwrap_or(UNKNOWN);
            }
            // Whoever comes meanwhile does not look as well.
            known.looked_at = Some(Instant::now());
            known.usual
        };
        let query = ListQuery {
            status: Some(Status::Completed),
            scan_type: None,
            pool: Some(pool.clone()),
            target: None,
            before: None,
            limit: LAST,
        };
        let listed = host.store.list(query).await.map(|listed| listed.scans).unwrap_or_default();
        let mut times: Vec<Duration> = listed.iter().filter_map(time_of).collect();
        times.sort_unstable();
        let usual = times.get(times.len() / 2).copied().or(known);
        self.lock().entry(pool.clone()).or_default().usual = usual;
        usual.unwrap_or(UNKNOWN)
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
pub async fn estimate(host: &Host, snapshot: &Snapshot, pool: &PoolName, position: u64) -> u64 {
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
    let usual = host.waits.usual(host, pool).await;
    usual.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX)).as_secs().max(1)
}
