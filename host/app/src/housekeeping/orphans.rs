//! Rounds over the scanners: what this store's own tasks left there is stopped and removed, and what carries the mark of
//! this installation without belonging to a task is reported.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use scanhost_domain::{error_chain::chain, ids::ScannerId};
use scanhost_sandbox::{Fault, ListedScan, ScannerError};
use scanhost_store::Leftover;
use scanhost_system::failpoint;

use crate::{
    host::Host,
    orphans::{
        Orphan,
        survey::{Survey, driven, survey},
        trust,
    },
    scanners,
    snapshot::{LoadedScanner, local_check::call_without_scan},
    trouble::Trouble,
};

/// Scans that belonged to no task in the last round. Those that do not in the next either are reported: until then the
/// task of one may have been between two states.
#[derive(Default)]
pub struct Suspects {
    orphans: HashSet<(ScannerId, String)>,
    /// Leftovers that the last round did not find. One that the next does not find either is forgotten.
    gone: BTreeSet<Leftover>,
}

impl Suspects {
    /// Looks at every scanner that works.
    pub async fn look(&mut self, host: &Arc<Host>) {
        let snapshot = host.snapshot.load_full();
        let mut suspects = Self::default();
        for scanner in snapshot.scanners.iter().filter(|scanner| scanner.config.enabled) {
            if !host.breakers.takes_scans(&scanner.id) {
                continue;
            }
            let survey = match survey(host, scanner).await {
                Ok(survey) => survey,
                Err(reason) => {
                    tracing::debug!(scanner = %scanner.id, reason, "the scans at the scanner could not be compared");
                    continue;
                }
            };
            let key = |orphan: &Orphan| (orphan.scanner.clone(), orphan.remote_id.clone());
            let confirmed: Vec<Orphan> =
                survey.orphans.iter().filter(|orphan| self.orphans.contains(&key(orphan))).cloned().collect();
            suspects.orphans.extend(survey.orphans.iter().map(key));
            suspects.gone.extend(survey.gone.iter().cloned());
            report(host, scanner, &confirmed).await;
            let gone: Vec<Leftover> = survey.gone.iter().filter(|gone| self.gone.contains(gone)).cloned().collect();
            forget(host, &gone).await;
            clean_up(host, scanner, survey).await;
        }
        *self = suspects;
    }
}

/// Reports orphans, each once, and doubts the store where they show that it is an older one.
async fn report(host: &Arc<Host>, scanner: &LoadedScanner, orphans: &[Orphan]) {
    for Orphan { scanner, remote_id, task, is_running, .. } in host.orphans.replace(&scanner.id, orphans) {
        tracing::warn!(scan = %task, %scanner, remote = remote_id, running = is_running, "a scan at the scanner carries this installation's mark and belongs to no task here; it is left as it is, see `scanhost orphans list`");
    }
    if let Err(error) = trust::check_orphans(host, orphans).await {
        tracing::warn!(error = chain(&error), "the orphans could not be compared with the store");
    }
}

/// Stops and removes what this store's own tasks have left, unless the store is in doubt.
async fn clean_up(host: &Arc<Host>, scanner: &LoadedScanner, survey: Survey) {
    for scan in &survey.overrunning {
        if may_touch(host, scanner, &scan.id).await {
            stop(host, scanner, scan).await;
        }
    }
    for leftover in &survey.removable {
        if may_touch(host, scanner, &leftover.remote_id).await {
            remove(host, scanner, leftover).await;
        }
    }
}

/// Whether the remote scan may be stopped or removed at this moment: an operator may have adopted or retried it since the
/// survey.
async fn may_touch(host: &Arc<Host>, scanner: &LoadedScanner, remote_id: &str) -> bool {
    host.orphans.is_trusted()
        && host.store_watch.permits_housekeeping()
        && driven(host, scanner).await.is_ok_and(|driven| !driven.contains(remote_id))
}

async fn forget(host: &Arc<Host>, leftovers: &[Leftover]) {
    for leftover in leftovers {
        if let Err(error) = host.remote_scans.forget_leftover(leftover).await {
            tracing::warn!(scan = %leftover.task, error = chain(&error), "a removed scan could not be forgotten");
        }
    }
}

async fn stop(host: &Arc<Host>, scanner: &LoadedScanner, scan: &ListedScan) {
    let (reach, context) = call_without_scan(scanner, &host.installation);
    let stopped = failpoint::around("scanner.stop", scanner.backend.stop(reach, context, &scan.id)).await;
    match reason(stopped) {
        None => {
            scanners::succeeded(host, &scanner.id);
            tracing::info!(scan = %scan.task, scanner = %scanner.id, remote = scan.id, "stopped a scan at its scanner whose task has ended");
        }
        Some(reason) => {
            tracing::warn!(scan = %scan.task, scanner = %scanner.id, remote = scan.id, reason, "a scan whose task has ended could not be stopped at its scanner");
        }
    }
}

async fn remove(host: &Arc<Host>, scanner: &LoadedScanner, leftover: &Leftover) {
    let Leftover { task, remote_id, .. } = leftover;
    let (reach, context) = call_without_scan(scanner, &host.installation);
    let removed = failpoint::around("scanner.remove", scanner.backend.remove(reach, context, remote_id)).await;
    match reason(removed) {
        None => {
            scanners::succeeded(host, &scanner.id);
            tracing::info!(scan = %task, scanner = %scanner.id, remote = remote_id, "removed the scan of a deleted task from its scanner");
            forget(host, std::slice::from_ref(leftover)).await;
        }
        Some(reason) => {
            tracing::warn!(scan = %task, scanner = %scanner.id, remote = remote_id, reason, "the scan of a deleted task could not be removed from its scanner");
        }
    }
}

/// Why the scanner did not do it; absent if it did.
fn reason(answer: Result<Result<(), ScannerError>, Fault>) -> Option<String> {
    match answer {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(Trouble::from(error).failure.message),
        Err(fault) => Some(fault.to_string()),
    }
}
