//! Compares the scans at a scanner with the records of this store.

use std::{collections::HashSet, sync::Arc};

use scanhost_domain::{
    error_chain::chain,
    ids::TaskId,
    scan::{FailureCode, Outcome, Scan, ScanState, Status},
};
use scanhost_sandbox::{ListedScan, ScannerError};
use scanhost_store::{Leftover, ListQuery, StoreError};
use scanhost_system::failpoint;

use super::Orphan;
use crate::{
    host::Host,
    snapshot::{LoadedScanner, local_check::call_without_scan},
    trouble::Trouble,
};

/// Scans of one page of a list.
const PAGE: usize = 1_000;

/// The most scans that a backend lists.
const LONGEST_LIST: usize = 10_000;

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
        // What such a scanner has is not known, but what was left there can be removed by its id.
        Ok(Err(ScannerError::Unsupported(_))) => {
            return Ok(Survey { removable: deleted(host, leftovers).await?, ..Survey::default() });
        }
        Ok(Err(error)) => return Err(Trouble::from(error).failure.message),
        Err(fault) => return Err(fault.to_string()),
    };
    let driven = driven(host, scanner).await.map_err(|error| chain(&error))?;
    let mut survey = Survey::default();
    // A list that may be cut off proves nothing.
    if listed.len() < LONGEST_LIST {
        let is_listed = |leftover: &Leftover| listed.iter().any(|scan| scan.id == leftover.remote_id);
        let absent = leftovers.iter().filter(|leftover| !is_listed(leftover)).cloned().collect();
        survey.gone = deleted(host, absent).await?;
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
        let mut owned = ownership(scanner, &scan, task.as_ref());
        if let Ownership::None = owned
            && let Some(leftover) = leftovers.iter().find(|leftover| leftover.remote_id == scan.id)
        {
            // An adopted scan carries the mark of another task than the one that goes on with it.
            owned = match host.scans.scan(&leftover.task).await {
                Ok(None) => Ownership::Left(leftover.clone()),
                Ok(Some(task)) => ownership(scanner, &scan, Some(&task)),
                Err(StoreError::Damaged(_)) => continue,
                Err(error) => return Err(chain(&error)),
            };
        }
        match owned {
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

/// The leftovers whose tasks are gone. The others belong to tasks that adopted them.
async fn deleted(host: &Host, leftovers: Vec<Leftover>) -> Result<Vec<Leftover>, String> {
    let mut deleted = Vec::new();
    for leftover in leftovers {
        match host.scans.scan(&leftover.task).await {
            Ok(None) => deleted.push(leftover),
            Ok(Some(_)) | Err(StoreError::Damaged(_)) => {}
            Err(error) => return Err(chain(&error)),
        }
    }
    Ok(deleted)
}

/// The remote ids of all running scans of the scanner, also of those that go on with another task's scan.
pub async fn driven(host: &Host, scanner: &LoadedScanner) -> Result<HashSet<String>, StoreError> {
    let mut driven = HashSet::new();
    let mut query = ListQuery { status: Some(Status::Running), limit: PAGE, ..ListQuery::default() };
    loop {
        let listed = host.scans.list(query.clone()).await?;
        for scan in listed.scans {
            if let ScanState::Running(running) = scan.state
                && running.slot.scanner == scanner.id
            {
                driven.extend(running.phase.remote_id().map(str::to_owned));
            }
        }
        query.before = listed.next;
        // A page may be empty, and others follow it.
        if query.before.is_none() {
            return Ok(driven);
        }
    }
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

fn ownership(scanner: &LoadedScanner, scan: &ListedScan, task: Option<&Scan>) -> Ownership {
    match task.map(|task| &task.state) {
        None => Ownership::None,
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
            match &finished.outcome {
                _ if !is_own => Ownership::None,
                // A retry goes on with it, so it is not stopped.
                Outcome::Failed(failure) if failure.code == FailureCode::Poison => Ownership::Own,
                _ => Ownership::Ended,
            }
        }
    }
}

/// The newest task of this store.
pub async fn newest_task(host: &Host) -> Result<Option<TaskId>, StoreError> {
    let listed = host.scans.list(ListQuery { limit: 1, ..ListQuery::default() }).await?;
    Ok(listed.scans.into_iter().next().map(|scan| scan.id))
}
