//! Ending a scan early.

use scanhost_domain::scan::Status;
use scanhost_store::Cancelled;
use scanhost_system::clock;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    find,
    host::Host,
    record_file,
    refusal::{ErrorCode, Refusal},
};

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub task_id: String,
    pub trace_id: String,
    /// cancelled, or running while the host tells the scanner to stop
    pub status: &'static str,
    pub message: &'static str,
}

/// Ends the scan. A scan that has ended in another way is refused.
pub async fn cancel(host: &Host, task_id: &str) -> Result<Reply, Refusal> {
    let id = find::parse(task_id)?;
    let (scan, message) = match host.scans.cancel(&id, clock::now()).await? {
        Cancelled::Ended(scan) => {
            record_file::write(host, &scan).await;
            (scan, "the scan had not started and is cancelled")
        }
        Cancelled::Requested(scan) => {
            (scan, "the host is telling the scanner to stop; wait_for_scan shows when the scan has ended")
        }
        Cancelled::NotFound => return Err(find::not_found(&id)),
        // Twice is the same as once.
        Cancelled::Refused(scan) if scan.status() == Status::Cancelled => (scan, "the scan was already cancelled"),
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
