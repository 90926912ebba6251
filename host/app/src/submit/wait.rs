//! How long a scan will wait, by how long those before it took.

use std::sync::Arc;

use scanhost_domain::{ids::PoolName, scan::Status};
use scanhost_store::ListQuery;

use crate::{host::Host, snapshot::Snapshot, waits::LATEST};

/// Seconds until the scan at this place of the pool's queue starts, about.
pub async fn estimate(host: &Arc<Host>, snapshot: &Snapshot, pool: &PoolName, position: u64) -> u64 {
    let active = host.scans.active().await.unwrap_or_default();
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
    refresh(host, pool);
    let usual = host.waits.median(pool);
    usual.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX)).as_secs().max(1)
}

/// Looks in the background at the scans that other processes have run, where that is due.
fn refresh(host: &Arc<Host>, pool: &PoolName) {
    if !host.waits.begin_look(pool, host.role.runs_scans()) {
        return;
    }
    let (looking, pool) = (host.clone(), pool.clone());
    host.tasks.spawn(async move {
        let query = ListQuery {
            status: Some(Status::Completed),
            pool: Some(pool.clone()),
            limit: LATEST,
            ..ListQuery::default()
        };
        let listed = looking.scans.list(query).await.map(|listed| listed.scans).unwrap_or_default();
        looking.waits.end_look(pool, &listed);
    });
}
