//! What the three submit tools have in common.

use rmcp::model::JsonObject;
use scanhost_app::{
    refusal::Refusal,
    submit::{SubmitArgs, SubmitReply, submit},
};
use scanhost_domain::request::ScanType;

use super::{
    hint,
    tool::{Call, ToolAnswer},
};

/// Submits what the tool's arguments say.
pub async fn run(
    call: Call,
    tool: &str,
    scan_type: ScanType,
    args: SubmitArgs,
) -> Result<ToolAnswer<SubmitReply>, Refusal> {
    let raw: &JsonObject = &call.arguments;
    let submission = submit(&call.host, &call.caller, tool, raw, scan_type, args).await?;
    let scan = &submission.scan;
    let is_waiting = submission.position.is_some();
    // The scan is stored: what cannot be read now only makes for another hint.
    let hint = if is_waiting && call.host.settings.is_paused(&scan.request.pool).await.unwrap_or(false) {
        hint::after_submit_to_paused(scan)
    } else if submission.idempotent {
        // A scan is remembered for its key for longer than it is kept.
        let is_deleted = matches!(call.host.scans.scan(&scan.id).await, Ok(None));
        hint::after_repeated_submit(scan, is_deleted)
    } else {
        hint::after_submit(scan)
    };
    Ok(ToolAnswer::With(submission.into(), hint))
}
