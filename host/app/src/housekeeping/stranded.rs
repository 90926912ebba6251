//! Scans that wait for what the configuration no longer has: their pool, or the scanner that they are pinned to. They
//! would wait for ever, so they fail.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use scanhost_domain::{
    error_chain::chain,
    ids::TaskId,
    scan::{Failure, FailureCode, Scan},
};
use scanhost_store::{ConfiguredScanners, StoreError};
use scanhost_system::{clock, pace::paced};
use tokio::time::Instant;

use crate::{host::Host, record_file};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(2);

/// How long a scan waits in vain before it fails: what it waits for may only have been taken out by mistake, and another
/// process may have read a newer configuration than this one.
const GRACE: Duration = Duration::from_secs(60);

/// Scans that one look sees.
const BATCH: usize = 10_000;

/// Looks until shutdown.
pub async fn run(host: Arc<Host>) {
    let mut waiting = HashMap::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = host.shutdown.cancelled() => return,
        }
        if !host.store_watch.permits_housekeeping() {
            continue;
        }
        if let Err(error) = look(&host, &mut waiting).await {
            tracing::debug!(error = chain(&error), "scans that wait in vain could not be looked for");
        }
    }
}

/// Fails what every look of the time of grace has seen.
async fn look(host: &Arc<Host>, waiting: &mut HashMap<TaskId, Instant>) -> Result<(), StoreError> {
    let known = known(host).await?;
    let stranded: HashSet<TaskId> = host.scans.stranded(known.clone(), BATCH).await?.into_iter().collect();
    waiting.retain(|id, _| stranded.contains(id));
    for id in stranded {
        let since = *waiting.entry(id.clone()).or_insert_with(Instant::now);
        if since.elapsed() >= paced(GRACE) {
            fail(host, &known, &id).await?;
        }
    }
    Ok(())
}

/// The scanners of this process' configuration, enabled or not, and those that other workers have told of lately: theirs
/// may be newer.
async fn known(host: &Arc<Host>) -> Result<ConfiguredScanners, StoreError> {
    let mut known = ConfiguredScanners::default();
    let snapshot = host.snapshot.load_full();
    snapshot.config.pools.iter().for_each(|pool| known.add_pool(&pool.name));
    snapshot.scanners.iter().for_each(|scanner| known.add(&scanner.id));
    host.scanner_reports.scanner_reports().await?.iter().for_each(|(scanner, _)| known.add(scanner));
    Ok(known)
}

async fn fail(host: &Arc<Host>, known: &ConfiguredScanners, id: &TaskId) -> Result<(), StoreError> {
    let Some(Scan { request, trace, .. }) = (match host.scans.scan(id).await {
        // It is left alone, and must not keep the others waiting.
        Err(StoreError::Damaged(_)) => None,
        other => other?,
    }) else {
        return Ok(());
    };
    let message = match request.instance {
        Some(instance) if known.has_pool(request.pool.as_str()) => {
            format!("the scanner {}/{instance} is no longer configured", request.pool)
        }
        _ => format!("the pool {} is no longer configured", request.pool),
    };
    tracing::warn!(scan = %id, %trace, reason = message, "a scan waits in vain");
    let failure = Failure { code: FailureCode::Configuration, message };
    if let Some(failed) = host.scans.fail_waiting(id, failure, clock::now()).await? {
        record_file::write(host, &failed).await;
    }
    Ok(())
}
