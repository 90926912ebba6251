//! What an operator does about orphans.

use std::sync::Arc;

use scanhost_domain::request::{Login, ScanRequest, ScanType};
use scanhost_sandbox::{Fault, ScannerError};
use scanhost_store::{AdoptedFrom, Adoption};
use serde::Serialize;

use super::{Orphan, survey::survey, trust};
use crate::{
    host::Host,
    refusal::{ErrorCode, Refusal},
    snapshot::{LoadedScanner, Snapshot, local_check::call_without_scan},
    submit::by_operator,
    trouble::Trouble,
};

/// One orphan as operators see it.
#[derive(Serialize)]
pub struct OrphanReply {
    /// Pool, instance and the scan's id at the scanner: what `adopt` and `remove` take.
    pub orphan: String,
    pub running: bool,
    /// The task whose mark it carries.
    pub task_id: String,
    pub what: &'static str,
}

impl From<&Orphan> for OrphanReply {
    fn from(orphan: &Orphan) -> Self {
        Self {
            orphan: name(orphan),
            running: orphan.is_running,
            task_id: orphan.task.to_string(),
            what: if orphan.is_task_known { "a copy of this task's scan" } else { "a scan of an unknown task" },
        }
    }
}

#[derive(Serialize)]
pub struct ListReply {
    pub orphans: Vec<OrphanReply>,
    /// Scanners that could not be asked, each with the reason.
    pub not_asked: Vec<String>,
    /// Whether the host stops and removes scans at the scanners by itself.
    pub trusted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// Asks every enabled scanner for its orphans.
pub async fn list(host: &Arc<Host>) -> ListReply {
    let Found { orphans, not_asked } = find_all(host).await;
    let doubt = host.orphans.doubt().map(|doubt| doubt.reason);
    ListReply { orphans: orphans.iter().map(OrphanReply::from).collect(), not_asked, trusted: doubt.is_none(), doubt }
}

/// Which orphans a command is about.
#[derive(Clone, Debug)]
pub enum Selection {
    All,
    /// `POOL/INSTANCE/ID`, or the id at the scanner where only one orphan has it.
    One(String),
}

#[derive(Serialize)]
pub struct AdoptReply {
    /// The tasks that now follow the scans at the scanners.
    pub task_ids: Vec<String>,
}

/// Makes a task of each selected orphan. A worker follows it to its end and reads its report.
///
/// # Errors
/// If there is no such orphan, or the store cannot be used. What was adopted before stays adopted.
pub async fn adopt(host: &Arc<Host>, selection: &Selection) -> Result<AdoptReply, Refusal> {
    let snapshot = host.snapshot.load_full();
    let mut task_ids = Vec::new();
    for orphan in select(host, selection).await? {
        let scanner = scanner(&snapshot, &orphan)?;
        let request = ScanRequest {
            scan_type: ScanType::Untrusted,
            targets: String::new(),
            name: format!("adopted scan {}", orphan.remote_id),
            description: Some(format!("an orphan at {} with the mark of {}", orphan.scanner, orphan.task)),
            profile: None,
            pool: orphan.scanner.pool.clone(),
            instance: Some(orphan.scanner.instance.clone()),
            login: Login::None,
        };
        let (slot, remote_id) = (scanner.slot(), orphan.remote_id.clone());
        let adoption = Adoption { slot, remote_id, plugin_state: Vec::new(), from: AdoptedFrom::Scanner };
        let mut new = by_operator(request, None, Some(adoption));
        if !orphan.is_task_known {
            // A task that this store has lost gets its own id back.
            new.id = orphan.task.clone();
        }
        let Some(scan) = host.remote_scans.adopt(new).await? else { continue };
        tracing::info!(scan = %scan.id, trace = %scan.trace, scanner = %orphan.scanner, remote = orphan.remote_id, "an operator adopted an orphan");
        task_ids.push(scan.id.to_string());
    }
    Ok(AdoptReply { task_ids })
}

#[derive(Serialize)]
pub struct RemoveReply {
    pub removed: Vec<String>,
}

/// Stops each selected orphan if it runs, and deletes it at its scanner.
///
/// # Errors
/// If there is no such orphan, or a scanner refuses. What was removed before stays removed.
pub async fn remove(host: &Arc<Host>, selection: &Selection) -> Result<RemoveReply, Refusal> {
    let snapshot = host.snapshot.load_full();
    let mut removed = Vec::new();
    for orphan in select(host, selection).await? {
        let scanner = scanner(&snapshot, &orphan)?;
        if orphan.is_running {
            let (reach, context) = call_without_scan(scanner, &host.installation);
            answered(&orphan, scanner.backend.stop(reach, context, &orphan.remote_id).await)?;
        }
        let (reach, context) = call_without_scan(scanner, &host.installation);
        answered(&orphan, scanner.backend.remove(reach, context, &orphan.remote_id).await)?;
        tracing::info!(scan = %orphan.task, scanner = %orphan.scanner, remote = orphan.remote_id, "an operator removed an orphan");
        removed.push(name(&orphan));
    }
    Ok(RemoveReply { removed })
}

#[derive(Serialize)]
pub struct TrustReply {
    pub trusted: bool,
}

/// Lets the host stop and remove its own scans at the scanners by itself again.
///
/// # Errors
/// If the store or the data folder cannot be used.
pub async fn trust_store(host: &Host) -> Result<TrustReply, Refusal> {
    trust::trust(host).await.map_err(|error| match error {
        trust::TrustError::Store(error) => Refusal::from(error),
        error @ trust::TrustError::Folder(_) => Refusal::internal("trusting the store", &error),
    })?;
    Ok(TrustReply { trusted: true })
}

struct Found {
    orphans: Vec<Orphan>,
    not_asked: Vec<String>,
}

async fn find_all(host: &Arc<Host>) -> Found {
    let snapshot = host.snapshot.load_full();
    let mut found = Found { orphans: Vec::new(), not_asked: Vec::new() };
    for scanner in snapshot.scanners.iter().filter(|scanner| scanner.config.enabled) {
        match survey(host, scanner).await {
            Ok(survey) => found.orphans.extend(survey.orphans),
            Err(reason) => found.not_asked.push(format!("{}: {reason}", scanner.id)),
        }
    }
    found
}

async fn select(host: &Arc<Host>, selection: &Selection) -> Result<Vec<Orphan>, Refusal> {
    let Found { mut orphans, not_asked } = find_all(host).await;
    let Selection::One(wanted) = selection else { return Ok(orphans) };
    orphans.retain(|orphan| name(orphan) == *wanted || orphan.remote_id == *wanted);
    match orphans.len() {
        1 => Ok(orphans),
        0 => {
            let away = if not_asked.is_empty() {
                String::new()
            } else {
                format!(" These scanners could not be asked: {}.", not_asked.join("; "))
            };
            let message = format!("there is no orphan `{wanted}`");
            Err(Refusal::new(ErrorCode::NotFound, message, format!("`scanhost orphans list` shows them.{away}")))
        }
        _ => Err(Refusal::new(
            ErrorCode::InvalidArgument,
            format!("several orphans have the id `{wanted}`"),
            "Give the pool and the instance as well: POOL/INSTANCE/ID, as `scanhost orphans list` shows it.",
        )),
    }
}

fn scanner<'a>(snapshot: &'a Snapshot, orphan: &Orphan) -> Result<&'a LoadedScanner, Refusal> {
    snapshot.scanner(&orphan.scanner).ok_or_else(|| {
        let message = format!("the scanner {} is no longer configured", orphan.scanner);
        Refusal::new(ErrorCode::Conflict, message, "Configure it again, or remove the scan in the scanner's own UI.")
    })
}

fn answered(orphan: &Orphan, answer: Result<Result<(), ScannerError>, Fault>) -> Result<(), Refusal> {
    let reason = match answer {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => Trouble::from(error).failure.message,
        Err(fault) => fault.to_string(),
    };
    let message = format!("{} was not removed: {reason}", name(orphan));
    Err(Refusal::new(ErrorCode::Unavailable, message, "Try again, or remove it in the scanner's own UI."))
}

fn name(orphan: &Orphan) -> String {
    format!("{}/{}", orphan.scanner, orphan.remote_id)
}
