//! `cancel_scan`: ends a scan early.

use scanhost_app::{
    find,
    host::Host,
    refusal::{ErrorCode, Refusal},
};
use scanhost_config::Scope;
use scanhost_domain::scan::Status;
use scanhost_store::Cancelled;
use scanhost_system::clock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    nature::Nature,
    tool::{About, Row, structured},
    toolset::Toolset,
};

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// from run_…_scan or list_scans
    task_id: String,
}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub task_id: String,
    pub trace_id: String,
    /// cancelled, or running while the scanner is being told to stop
    pub status: &'static str,
    pub message: &'static str,
}

pub fn row() -> Row {
    let about = About {
        name: "cancel_scan",
        title: "Cancel a scan",
        description: "Ends a scan early: a waiting one at once, a running one as soon as its scanner has been told to \
            stop (wait_for_scan tells when). Its record stays; there are no results. To remove the record too use \
            delete_scan. Example: {\"task_id\": \"01K…\"}",
        toolset: Toolset::Scan,
        scope: Scope::Submit,
        nature: Nature::Destroys,
        without: &[],
    };
    structured(about, |call, args: Args| async move { cancel(&call.host, &args.task_id).await })
}

/// Ends the scan.
///
/// # Errors
/// When there is none, or it has ended otherwise.
pub async fn cancel(host: &Host, task_id: &str) -> Result<Reply, Refusal> {
    let id = find::parse(task_id)?;
    let (scan, message) = match host.store.cancel(&id, clock::now()).await? {
        Cancelled::Ended(scan) => {
            scanhost_app::record_file::write(host, &scan).await;
            (scan, "the scan had not started and is cancelled")
        }
        Cancelled::Requested(scan) => (scan, "the scanner is being told to stop"),
        Cancelled::NotFound => return Err(find::not_found(&id)),
        // Twice is the same as once.
        Cancelled::Refused(scan) if scan.status() == Status::Cancelled => (scan, "the scan was cancelled before"),
        Cancelled::Refused(scan) => {
            return Err(Refusal::new(
                ErrorCode::Conflict,
                format!("the scan has ended as {} and cannot be cancelled", scan.status()),
                "Nothing needs to be done; delete_scan removes its record.",
            ));
        }
    };
    Ok(Reply { task_id: scan.id.to_string(), trace_id: scan.trace.to_string(), status: scan.status().name(), message })
}
