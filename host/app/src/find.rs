//! The scan that an argument names.

use scanhost_domain::{ids::TaskId, scan::Scan};

use crate::{
    host::Host,
    refusal::{ErrorCode, Refusal},
};

/// What to do when there is no such scan.
const HINT: &str = "list_scans shows the scans that exist; ended scans are deleted after their retention time.";

pub fn parse(task_id: &str) -> Result<TaskId, Refusal> {
    task_id.trim().to_ascii_uppercase().parse().map_err(|error: scanhost_domain::ids::Malformed| {
        Refusal::invalid(error.to_string(), "Give the task_id exactly as run_…_scan or list_scans returned it.")
    })
}

pub async fn scan(host: &Host, task_id: &str) -> Result<Scan, Refusal> {
    let id = parse(task_id)?;
    match host.scans.scan(&id).await? {
        Some(scan) => Ok(scan),
        None => Err(absent(host, &id)),
    }
}

/// Why there is no such scan: it never existed or was deleted, or the store has lost it.
pub fn absent(host: &Host, id: &TaskId) -> Refusal {
    match host.store_watch.emptied() {
        Some(reason) => Refusal::new(ErrorCode::Unavailable, reason, "Tell the operator, and call again later."),
        None => not_found(id),
    }
}

pub fn not_found(id: &TaskId) -> Refusal {
    Refusal::new(ErrorCode::NotFound, format!("there is no scan {id}"), HINT)
}
