//! The failed scans that are kept for an operator.

use jiff::Timestamp;
use scanhost_domain::{
    ids::TaskId,
    request::Login,
    scan::{FailureCode, Outcome, PhaseName, Scan, ScanState},
};
use scanhost_store::{AdoptedFrom, Adoption, StoreError};
use serde::Serialize;

use crate::{
    host::Host,
    refusal::{ErrorCode, Refusal, joined},
    submit::{by_operator, find_stored_pool, permit_again},
};

/// The failed scans that nobody has dealt with, the oldest first.
pub async fn list(host: &Host, pool: Option<&str>) -> Result<Vec<Scan>, Refusal> {
    let pool = match pool {
        Some(pool) => Some(find_stored_pool(host, pool).await?),
        None => None,
    };
    let mut scans = Vec::new();
    for letter in host.dead_letters.dead_letters(pool.as_ref()).await? {
        match host.scans.scan(&letter.id).await {
            // Where it is asked for by its id, its error tells more.
            Err(StoreError::Damaged(_)) => {}
            // None when it was deleted since, with its letter.
            other => scans.extend(other?),
        }
    }
    Ok(scans)
}

pub async fn find(host: &Host, task_id: &str) -> Result<Scan, Refusal> {
    let letters = host.dead_letters.dead_letters(None).await?;
    let scan = match letters.iter().find(|letter| letter.id.as_str().eq_ignore_ascii_case(task_id.trim())) {
        Some(letter) => host.scans.scan(&letter.id).await?,
        None => None,
    };
    scan.ok_or_else(|| {
        Refusal::new(ErrorCode::NotFound, "there is no dead letter with that id", "`scanhost dlq list` shows them.")
    })
}

/// Runs the scan again, as a new one.
pub async fn retry(host: &Host, task_id: &str) -> Result<RetryReply, Refusal> {
    let scan = find(host, task_id).await?;
    let had_secrets = match &scan.request.login {
        Login::None => false,
        Login::Named(named) => named.escalation.as_ref().is_some_and(|escalation| escalation.has_password),
        Login::Inline(_) => true,
    };
    if had_secrets {
        return Err(Refusal::new(
            ErrorCode::Conflict,
            "the scan's secrets were erased when it ended, so the host cannot run it again",
            "Submit it again as a new scan with its credentials. Only scans without secrets of their own, such as \
                those with a configured `credential`, can be retried.",
        ));
    }
    let problems = host.reloads.problems_from_start();
    if !problems.is_empty() {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(Refusal::new(
            ErrorCode::Unavailable,
            told.join("; "),
            "Nothing has changed. Correct these problems, then run the command again.",
        ));
    }
    permit_again(&host.snapshot.load(), &scan.request)?;
    let new = by_operator(scan.request.clone(), Some(scan.id.clone()), remote_scan(host, &scan));
    match host.dead_letters.retry_dead_letter(new).await? {
        Some(new) => {
            tracing::info!(scan = %new.id, trace = %new.trace, retry_of = %scan.id, "dead letter retried");
            Ok(RetryReply { task_id: new.id.to_string(), retry_of: scan.id.to_string() })
        }
        None => Err(Refusal::new(
            ErrorCode::NotFound,
            "there is no dead letter with that id",
            "Somebody has just retried or purged it. `scanhost dlq list` shows those that are left.",
        )),
    }
}

/// Retries all dead letters, or those of a pool, with an error code, or both. One that cannot be retried stays and holds
/// up no other.
pub async fn retry_all(host: &Host, pool: Option<&str>, code: Option<&str>) -> Result<RetryAllReply, Refusal> {
    if let Some(code) = code
        && !FailureCode::ALL.iter().any(|known| known.name() == code)
    {
        let codes: Vec<&str> = FailureCode::ALL.iter().map(|code| code.name()).collect();
        let message = format!("there is no error code `{code}`");
        return Err(Refusal::new(ErrorCode::InvalidArgument, message, format!("Use one of {}.", codes.join(", "))));
    }
    let mut reply = RetryAllReply { retried: Vec::new(), refused: Vec::new() };
    for scan in list(host, pool).await? {
        let letter = DeadLetterReply::from(&scan);
        if code.is_some_and(|code| letter.code != code) {
            continue;
        }
        match retry(host, &letter.task_id).await {
            Ok(retried) => reply.retried.push(retried),
            Err(refusal) => reply
                .refused
                .push(RefusedRetry { task_id: letter.task_id, reason: joined(&refusal.message, &refusal.hint) }),
        }
    }
    Ok(reply)
}

/// The scan at the scanner with which a retry goes on instead of scanning again: it was launched and the host did not
/// stop it when it gave the task up.
fn remote_scan(host: &Host, scan: &Scan) -> Option<Adoption> {
    let ScanState::Finished(finished) = &scan.state else { return None };
    let (Outcome::Failed(failure), Some(run)) = (&finished.outcome, &finished.run) else { return None };
    let is_left = match run.phase? {
        PhaseName::Exporting | PhaseName::Ingesting => failure.code != FailureCode::RemoteScanLost,
        PhaseName::Launched => failure.code == FailureCode::Poison,
        PhaseName::Claimed | PhaseName::Creating | PhaseName::Created | PhaseName::Launching => false,
    };
    let remote_id = run.remote_id.clone().filter(|_| is_left)?;
    let snapshot = host.snapshot.load_full();
    let scanner = snapshot.scanner(&run.slot.scanner)?;
    let is_resumable = scanner.backend.description().resumable;
    // With the version of the plugin that wrote the state.
    let (slot, plugin_state) = (run.slot.clone(), run.plugin_state.clone());
    is_resumable.then_some(Adoption { slot, remote_id, plugin_state, from: AdoptedFrom::Scanner })
}

/// Removes the dead letter of one scan, those of one pool, or all. The scans' records stay.
pub async fn purge(host: &Host, task_id: Option<&str>, pool: Option<&str>) -> Result<PurgeReply, Refusal> {
    let ids: Vec<TaskId> = match task_id {
        Some(task_id) => vec![find(host, task_id).await?.id],
        None => list(host, pool).await?.into_iter().map(|scan| scan.id).collect(),
    };
    Ok(PurgeReply { purged: host.dead_letters.purge_dead_letters(&ids).await? })
}

/// A failed scan as operators see it in a list.
#[derive(Serialize)]
pub struct DeadLetterReply {
    pub task_id: String,
    pub pool: String,
    pub name: String,
    pub failed_at: Option<Timestamp>,
    pub code: &'static str,
    pub message: String,
}

#[derive(Serialize)]
pub struct RetryReply {
    pub task_id: String,
    pub retry_of: String,
}

#[derive(Serialize)]
pub struct RetryAllReply {
    pub retried: Vec<RetryReply>,
    /// Those that stay dead letters.
    pub refused: Vec<RefusedRetry>,
}

#[derive(Serialize)]
pub struct RefusedRetry {
    pub task_id: String,
    pub reason: String,
}

#[derive(Serialize)]
pub struct PurgeReply {
    pub purged: u64,
}

impl From<&Scan> for DeadLetterReply {
    fn from(scan: &Scan) -> Self {
        let (code, message, failed_at) = match &scan.state {
            ScanState::Finished(finished) => match &finished.outcome {
                Outcome::Failed(failure) => (failure.code.name(), failure.message.clone(), Some(finished.completed_at)),
                Outcome::Completed(_) | Outcome::Timeout | Outcome::Cancelled => {
                    ("", String::new(), Some(finished.completed_at))
                }
            },
            ScanState::Queued(_) | ScanState::Running(_) => ("", String::new(), None),
        };
        Self {
            task_id: scan.id.to_string(),
            pool: scan.request.pool.to_string(),
            name: scan.request.name.clone(),
            failed_at,
            code,
            message,
        }
    }
}
