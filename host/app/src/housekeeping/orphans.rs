//! Scans of ours at the scanners that no task owns any more: of deleted tasks, and second ones that a lost worker made.
//! Only what carries the mark of this installation is looked at. Nothing that runs is removed, but what runs on although
//! its task has ended is stopped.

use std::{collections::HashSet, sync::Arc};

use scanhost_domain::{
    error_chain::chain,
    ids::ScannerId,
    scan::{Scan, ScanState},
};
use scanhost_sandbox::ListedScan;
use scanhost_store::StoreError;
use scanhost_system::failpoint;

use crate::{
    host::Host,
    scanners,
    snapshot::{LoadedScanner, local_check::plain_call},
    trouble::Trouble,
};

/// Scans at scanners that belonged to no task in the last round. One that does not in the next either is removed: until
/// then its task may have been on the way between two states.
#[derive(Default)]
pub struct Suspects(HashSet<(ScannerId, String)>);

impl Suspects {
    /// Looks at every scanner that works.
    pub async fn look(&mut self, host: &Arc<Host>) {
        let snapshot = host.snapshot.load_full();
        let mut suspects = HashSet::new();
        for scanner in snapshot.scanners.iter().filter(|scanner| scanner.config.enabled) {
            if !host.breakers.takes_scans(&scanner.id) {
                continue;
            }
            let orphans = match orphans(host, scanner).await {
                Ok(orphans) => orphans,
                Err(reason) => {
                    tracing::debug!(scanner = %scanner.id, reason, "the scans at the scanner could not be compared");
                    continue;
                }
            };
            for orphan in orphans {
                let suspect = (scanner.id.clone(), orphan.id.clone());
                if self.0.contains(&suspect) {
                    remove(host, scanner, &orphan).await;
                } else {
                    suspects.insert(suspect);
                }
            }
        }
        self.0 = suspects;
    }
}

/// What does not run at the scanner and belongs to no task.
async fn orphans(host: &Arc<Host>, scanner: &LoadedScanner) -> Result<Vec<ListedScan>, String> {
    let (reach, context) = plain_call(scanner, &host.installation);
    let listed = match failpoint::around("scanner.list", scanner.backend.list_scans(reach, context)).await {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => return Err(Trouble::from(error).failure.message),
        Err(fault) => return Err(fault.to_string()),
    };
    let mut orphans = Vec::new();
    for scan in listed {
        let task = match host.store.scan(&scan.task).await {
            // Nobody knows whether it is the task's own.
            Err(StoreError::Damaged(_)) => continue,
            other => other.map_err(|error| chain(&error))?,
        };
        if scan.is_running {
            // What has ended stays so: it could not be stopped when it ended.
            if task.is_none_or(|task| task.is_finished()) {
                stop(host, scanner, &scan).await;
            }
        } else if !owns(task.as_ref(), &scan.id) {
            orphans.push(scan);
        }
    }
    Ok(orphans)
}

/// Whether the scan at the scanner is the task's own, or may become so.
fn owns(task: Option<&Scan>, remote_id: &str) -> bool {
    match task.map(|task| &task.state) {
        None => false,
        Some(ScanState::Queued(_)) => true,
        Some(ScanState::Running(running)) => running.phase.remote_id().is_none_or(|own| own == remote_id),
        Some(ScanState::Finished(finished)) => {
            finished.run.as_ref().and_then(|run| run.remote_id.as_deref()) == Some(remote_id)
        }
    }
}

async fn stop(host: &Arc<Host>, scanner: &LoadedScanner, orphan: &ListedScan) {
    let (reach, context) = plain_call(scanner, &host.installation);
    let reason = match failpoint::around("scanner.stop", scanner.backend.stop(reach, context, &orphan.id)).await {
        Ok(Ok(())) => {
            scanners::succeeded(host, &scanner.id);
            tracing::info!(scan = %orphan.task, scanner = %scanner.id, remote = orphan.id, "stopped what ran on without its task");
            return;
        }
        Ok(Err(error)) => Trouble::from(error).failure.message,
        Err(fault) => fault.to_string(),
    };
    tracing::warn!(scan = %orphan.task, scanner = %scanner.id, remote = orphan.id, reason, "what no task waits for runs on");
}

async fn remove(host: &Arc<Host>, scanner: &LoadedScanner, orphan: &ListedScan) {
    let (reach, context) = plain_call(scanner, &host.installation);
    let removed = failpoint::around("scanner.remove", scanner.backend.remove(reach, context, &orphan.id)).await;
    let reason = match removed {
        Ok(Ok(())) => {
            scanners::succeeded(host, &scanner.id);
            tracing::info!(scan = %orphan.task, scanner = %scanner.id, remote = orphan.id, "removed what no task owns");
            return;
        }
        Ok(Err(error)) => Trouble::from(error).failure.message,
        Err(fault) => fault.to_string(),
    };
    tracing::warn!(scan = %orphan.task, scanner = %scanner.id, remote = orphan.id, reason, "what no task owns stays");
}
