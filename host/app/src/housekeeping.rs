//! What is kept and for how long: scans whose results nobody asks for any more are deleted, with their files, and so is
//! what deletions have left behind, at the scanners as well.

mod orphans;
pub mod stranded;

use std::{fs, path::Path, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use scanhost_domain::{
    error_chain::chain,
    ids::TaskId,
    scan::{Scan, ScanState},
};
use scanhost_store::StoreError;
use scanhost_system::clock;

use crate::{
    host::Host,
    scan_folder::{self, Removal},
};
use orphans::Suspects;

/// Between two rounds.
const INTERVAL: Duration = Duration::from_secs(600);

/// Scans that one step of a round deletes.
const BATCH: usize = 100;

/// An access is noted once in this time, or more often where retention is short.
const NOTED_FOR: Duration = Duration::from_secs(3_600);

/// Takes note that somebody asked for the scan's results. A failure only makes the scan go earlier.
pub async fn accessed(host: &Host, id: &TaskId) {
    let now = clock::now();
    if host.accesses.is_news(id, now, NOTED_FOR.min(shortest_retention(host) / 10))
        && let Err(error) = host.scans.touch(id, now).await
    {
        host.accesses.forget(id);
        tracing::warn!(scan = %id, error = chain(&error), "the access could not be noted");
    }
}

/// Deletes what has expired, again and again until shutdown.
pub async fn run(host: Arc<Host>) {
    let mut suspects = Suspects::default();
    loop {
        let round = async {
            if host.store_watch.permits_housekeeping() && host.check_folder().await.is_ok() {
                delete_expired(&host).await;
                delete_above_size(&host).await;
                suspects.look(&host).await;
            }
        };
        tokio::select! {
            () = round => {}
            () = host.shutdown.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(interval(&host)) => {}
            () = host.shutdown.cancelled() => return,
        }
    }
}

/// Often enough for a retention that is shorter than usual.
fn interval(host: &Host) -> Duration {
    INTERVAL.min(shortest_retention(host) / 4).max(Duration::from_secs(1))
}

fn shortest_retention(host: &Host) -> Duration {
    let retention = &host.snapshot.load().config.retention;
    retention.completed.min(retention.failed)
}

/// Deletes ended scans, those that ended first before the others, until the files of all scans fit into the configured
/// size. A round deletes a few, so that several processes do not delete more than is needed.
async fn delete_above_size(host: &Arc<Host>) {
    let Some(most_bytes) = host.snapshot.load().config.retention.most_bytes else { return };
    let tasks = host.data.join("tasks");
    let summing = host.tasks.spawn_blocking(move || folder_bytes(&tasks));
    let Ok(mut bytes) = summing.await else { return };
    if bytes <= most_bytes {
        return;
    }
    let oldest = match oldest_ended(host).await {
        Ok(oldest) => oldest,
        Err(error) => {
            tracing::warn!(error = chain(&error), "ended scans could not be looked for");
            return;
        }
    };
    for id in oldest {
        if bytes <= most_bytes || !may_delete(host).await {
            return;
        }
        let folder = host.folder(&id);
        let Ok(freed) = host.tasks.spawn_blocking(move || folder_bytes(&folder)).await else { return };
        match scan_folder::remove(host, &id, false).await {
            Ok(Removal::Done(_)) => {
                tracing::info!(scan = %id, freed, "scan deleted, the files of all scans are larger than `retention.max_gib`");
                bytes = bytes.saturating_sub(freed);
            }
            // Another process deletes as well: the next round sums again.
            Ok(Removal::NotFound | Removal::Running) | Err(_) => return,
        }
    }
}

/// Some ended scans, in the order of their ends.
async fn oldest_ended(host: &Host) -> Result<Vec<TaskId>, StoreError> {
    let mut ended = Vec::new();
    for (completed, failed) in [(Timestamp::MAX, Timestamp::MIN), (Timestamp::MIN, Timestamp::MAX)] {
        for id in host.scans.expired(completed, failed, BATCH).await? {
            if let Ok(Some(Scan { state: ScanState::Finished(finished), .. })) = host.scans.scan(&id).await {
                ended.push((finished.completed_at, id));
            }
        }
    }
    ended.sort();
    Ok(ended.into_iter().map(|(_, id)| id).collect())
}

/// Whether what is old may be deleted at this moment.
async fn may_delete(host: &Host) -> bool {
    host.store_watch.permits_housekeeping() && host.orphans.is_trusted() && host.check_folder().await.is_ok()
}

/// The bytes of all files below the folder. What cannot be read counts as nothing.
fn folder_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(bytes).sum()
}

async fn delete_expired(host: &Arc<Host>) {
    if let Err(error) = scan_folder::resume(host).await {
        tracing::warn!(error = chain(&error), "removals could not be finished");
        return;
    }
    // They stay, and those behind them have their turn too.
    let mut unreadable = 0;
    loop {
        let limit = BATCH + unreadable;
        let retention = host.snapshot.load().config.retention.clone();
        let now = clock::now();
        let before = |kept: Duration| {
            let kept = SignedDuration::try_from(kept).unwrap_or(SignedDuration::MAX);
            now.checked_sub(kept).unwrap_or(Timestamp::MIN)
        };
        let expired = host.scans.expired(before(retention.completed), before(retention.failed), limit).await;
        let expired = match expired {
            Ok(expired) => expired,
            Err(error) => {
                tracing::warn!(error = chain(&error), "expired scans could not be looked for");
                return;
            }
        };
        unreadable = 0;
        for id in &expired {
            if let Err(StoreError::Damaged(_)) = host.scans.scan(id).await {
                unreadable += 1;
                continue;
            }
            if !may_delete(host).await {
                return;
            }
            match scan_folder::remove(host, id, false).await {
                Ok(_) => tracing::info!(scan = %id, "scan deleted, its retention is over"),
                Err(refusal) => {
                    tracing::warn!(scan = %id, reason = refusal.message, "an expired scan could not be deleted");
                    return;
                }
            }
        }
        if expired.len() < limit {
            return;
        }
    }
}
