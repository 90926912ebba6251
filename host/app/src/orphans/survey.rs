//! Compares the scans at a scanner with the records of this store.

use std::{collections::HashSet, sync::Arc};

use scanhost_domain::{
    error_chain::chain,
    ids::TaskId,
    scan::{Scan, ScanState, Status},
};
use scanhost_sandbox::ListedScan;
use scanhost_store::{Leftover, ListQuery, StoreError};
use scanhost_system::failpoint;

use super::Orphan;
use crate::{
    host::Host,
    snapshot::{LoadedScanner, local_check::call_without_scan},
    trouble::Trouble,
};

/// Running scans that a survey looks at. Each occupies a scanner, so there are never so many.
const RUNNING: usize = 100_000;

/// What a survey of one scanner found.
#[derive(Default)]
pub struct Survey {
    pub orphans: Vec<Orphan>,
    /// Scans that still run although the task that made them has ended or was deleted.
    pub overrunning: Vec<ListedScan>,
    /// Scans that do not run and whose task was deleted.
    pub removable: Vec<Leftover>,
    /// Leftovers that are no longer at the scanner.
    pub gone: Vec<Leftover>,
}

/// Lists the scans at the scanner that carry the mark of this installation, and says what each is.
///
/// # Errors
/// A text for the log.
pub async fn survey(host: &Arc<Host>, scanner: &LoadedScanner) -> Result<Survey, String> {
    // Read before the list, so that a leftover that the list lacks is really gone.
    let mut leftovers = host.remote_scans.leftovers().await.map_err(|error| chain(&error))?;
    leftovers.retain(|leftover| leftover.scanner == scanner.id);
    let (reach, context) = call_without_scan(scanner, &host.installation);
    let listed = match failpoint::around("scanner.list", scanner.backend.list_scans(reach, context)).await {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => return Err(Trouble::from(error).failure.message),
        Err(fault) => return Err(fault.to_string()),
    };
    let driven = driven(host, scanner).await.map_err(|error| chain(&error))?;
    let mut survey = Survey::default();
    for leftover in &leftovers {
        if !listed.iter().any(|scan| is_leftover(scan, leftover)) {
            survey.gone.push(leftover.clone());
        }
    }
    for scan in listed {
        if driven.contains(&scan.id) {
            continue;
        }
        let task = match host.scans.scan(&scan.task).await {
            // Nobody knows whether it is the task's own.
            Err(StoreError::Damaged(_)) => continue,
            other => other.map_err(|error| chain(&error))?,
        };
        match ownership(scanner, &scan, task.as_ref(), &leftovers) {
            Ownership::Own => {}
            Ownership::Ended if scan.is_running => survey.overrunning.push(scan),
            Ownership::Ended => {}
            Ownership::Left(_) if scan.is_running => survey.overrunning.push(scan),
            Ownership::Left(leftover) => survey.removable.push(leftover),
            Ownership::None => survey.orphans.push(Orphan {
                scanner: scanner.id.clone(),
                remote_id: scan.id,
                task: scan.task,
                is_running: scan.is_running,
                is_task_known: task.is_some(),
            }),
        }
    }
    Ok(survey)
}

/// The remote ids of all running scans of the scanner, also of those that go on with another task's scan.
async fn driven(host: &Host, scanner: &LoadedScanner) -> Result<HashSet<String>, StoreError> {
    let query = ListQuery { status: Some(Status::Running), limit: RUNNING, ..ListQuery::default() };
    let running = host.scans.list_on(query).await?;
    let remote_id = |scan: Scan| match scan.state {
        ScanState::Running(running) if running.slot.scanner == scanner.id => {
            running.phase.remote_id().map(str::to_owned)
        }
        ScanState::Queued(_) | ScanState::Running(_) | ScanState::Finished(_) => None,
    };
    Ok(running.into_iter().filter_map(remote_id).collect())
}

enum Ownership {
    /// A task that has not ended owns it, or may come to own it.
    Own,
    /// A task made it and has ended.
    Ended,
    /// A deleted task made it.
    Left(Leftover),
    None,
}

fn ownership(scanner: &LoadedScanner, scan: &ListedScan, task: Option<&Scan>, leftovers: &[Leftover]) -> Ownership {
    match task.map(|task| &task.state) {
        None => match leftovers.iter().find(|leftover| is_leftover(scan, leftover)) {
            Some(leftover) => Ownership::Left(leftover.clone()),
            None => Ownership::None,
        },
        Some(ScanState::Queued(_)) => Ownership::Own,
        // Its worker may have created it and not stored its id yet.
        Some(ScanState::Running(running)) if running.phase.remote_id().is_none() => Ownership::Own,
        Some(ScanState::Running(running)) => {
            if running.phase.remote_id() == Some(&scan.id) {
                Ownership::Own
            } else {
                Ownership::None
            }
        }
        Some(ScanState::Finished(finished)) => {
            let run = finished.run.as_ref().filter(|run| run.slot.scanner == scanner.id);
            let is_own = run.and_then(|run| run.remote_id.as_ref()) == Some(&scan.id);
            if is_own { Ownership::Ended } else { Ownership::None }
        }
    }
}

fn is_leftover(scan: &ListedScan, leftover: &Leftover) -> bool {
    scan.id == leftover.remote_id && scan.task == leftover.task
}

/// The newest task of this store.
pub async fn newest_task(host: &Host) -> Result<Option<TaskId>, StoreError> {
    let listed = host.scans.list(ListQuery { limit: 1, ..ListQuery::default() }).await?;
    Ok(listed.scans.into_iter().next().map(|scan| scan.id))
}
