//! Removing a scan with its record, findings and report.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    find,
    host::Host,
    refusal::{ErrorCode, Refusal},
    scan_folder::{Removal, remove},
};

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// id of the scan, from run_…_scan or list_scans
    pub task_id: String,
    /// also delete a running scan, after stopping it
    #[serde(default)]
    pub force: bool,
}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub task_id: String,
    pub trace_id: String,
    pub deleted: bool,
}

/// Removes the scan; a running one only with `force`.
pub async fn delete(host: &Arc<Host>, args: Args) -> Result<Reply, Refusal> {
    let id = find::parse(&args.task_id)?;
    match remove(host, &id, args.force).await? {
        Removal::Done(trace) => Ok(Reply { task_id: id.to_string(), trace_id: trace.to_string(), deleted: true }),
        Removal::NotFound => Err(find::not_found(&id)),
        Removal::Running => Err(Refusal::new(
            ErrorCode::Conflict,
            "the scan is running",
            "Give force: true to stop and delete it, or cancel_scan it first.",
        )),
    }
}
