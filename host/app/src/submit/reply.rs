//! The reply to a submit.

use schemars::JsonSchema;
use serde::Serialize;

use super::Submission;

/// A scan that is in the queue, or was before.
#[derive(Serialize, JsonSchema)]
pub struct SubmitReply {
    /// keep it for the other tools
    pub task_id: String,
    pub trace_id: String,
    /// queued; for a repeated request, the scan's current status
    pub status: &'static str,
    pub scan_type: &'static str,
    pub scanner_pool: String,
    /// position in the queue, from 1; absent once the scan leaves it
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<u64>,
    /// a rough estimate
    pub estimated_wait_seconds: u64,
    /// true if the same request was made before with this idempotency_key; nothing new was started
    pub idempotent: bool,
}

impl From<Submission> for SubmitReply {
    fn from(submission: Submission) -> Self {
        let scan = submission.scan;
        Self {
            task_id: scan.id.to_string(),
            trace_id: scan.trace.to_string(),
            status: scan.status().name(),
            scan_type: scan.request.scan_type.name(),
            scanner_pool: scan.request.pool.to_string(),
            queue_position: submission.position,
            estimated_wait_seconds: submission.estimated_wait_seconds,
            idempotent: submission.idempotent,
        }
    }
}
