//! What a submit answers.

use schemars::JsonSchema;
use serde::Serialize;

use super::Submission;

/// A scan that is in the queue, or was before.
#[derive(Serialize, JsonSchema)]
pub struct SubmitReply {
    /// what the other tools want; keep it
    pub task_id: String,
    pub trace_id: String,
    /// queued; for a repeated request the scan's present status
    pub status: &'static str,
    pub scan_type: &'static str,
    pub scanner_pool: String,
    /// place in the queue, from 1; absent once it does not wait
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<u64>,
    /// a rough guess
    pub estimated_wait_seconds: u64,
    /// true when this request was made before, with the same idempotency_key, and nothing new was started
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
