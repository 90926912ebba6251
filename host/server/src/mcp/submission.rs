//! What the three submit tools have in common: the reply.

use rmcp::model::JsonObject;
use scanhost_app::{
    refusal::Refusal,
    submit::{Submission, SubmitArgs, submit},
};
use scanhost_domain::request::ScanType;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    hint,
    tool::{Answer, Call},
};

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

/// Submits what the tool's arguments say.
pub async fn run(
    call: Call,
    tool: &str,
    scan_type: ScanType,
    args: SubmitArgs,
) -> Result<Answer<SubmitReply>, Refusal> {
    let raw: &JsonObject = &call.arguments;
    let submission = submit(&call.host, &call.caller, tool, raw, scan_type, args).await?;
    let scan = &submission.scan;
    let is_waiting = submission.position.is_some();
    // The scan is stored: what cannot be read now only makes for another hint.
    let hint = if is_waiting && call.host.store.is_paused(&scan.request.pool).await.unwrap_or(false) {
        hint::after_submit_to_paused(scan)
    } else if submission.idempotent {
        // A scan is remembered for its key for longer than it is kept.
        let is_deleted = matches!(call.host.store.scan(&scan.id).await, Ok(None));
        hint::after_repeated_submit(scan, is_deleted)
    } else {
        hint::after_submit(scan)
    };
    Ok(Answer::With(submission.into(), hint))
}
