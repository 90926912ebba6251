//! Scans as tasks of the protocol's extension `io.modelcontextprotocol/tasks`. A task is a scan under the scan's own id,
//! so nothing is stored for it and every process knows it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use rmcp::model::{CallToolResult, DetailedTask, JsonObject, Task, TaskPayload, TaskStatus};
use scanhost_app::{
    find,
    host::Host,
    refusal::{ErrorCode, Refusal},
    reply::StatusReply,
    scans,
    snapshot::poll_interval,
};
use scanhost_domain::scan::{Finished, Outcome, Scan, ScanState};
use scanhost_system::clock;
use serde_json::Value as Json;

use super::message::message;

/// The scan as a task.
pub fn of(host: &Host, scan: &Scan) -> Task {
    let config = &host.snapshot.load().config;
    let now = clock::now();
    let (status, updated_at) = match &scan.state {
        ScanState::Queued(_) => (TaskStatus::Working, scan.created_at),
        ScanState::Running(running) => (TaskStatus::Working, running.started_at),
        ScanState::Finished(finished) => (payload_status(finished), finished.completed_at),
    };
    let interval = poll_interval(between(scan.created_at, now), config.limits.poll);
    let mut task = Task::new(scan.id.to_string(), status, scan.created_at.to_string(), updated_at.to_string())
        .with_status_message(message(scan, None))
        .with_poll_interval_ms(milliseconds(interval));
    // One that has not ended is kept until it has.
    if let ScanState::Finished(finished) = &scan.state {
        let kept = match finished.outcome {
            Outcome::Completed(_) | Outcome::Cancelled => config.retention.completed,
            Outcome::Failed(_) | Outcome::Timeout => config.retention.failed,
        };
        task = task.with_ttl_ms(milliseconds(between(scan.created_at, finished.completed_at) + kept));
    }
    task
}

/// Returns the task of that id. Once the scan has ended, it has the answer of `wait_for_scan`.
pub async fn get(host: &Arc<Host>, id: &str) -> Result<DetailedTask, Refusal> {
    let scan = find::scan(host, id).await?;
    let payload = match &scan.state {
        ScanState::Queued(_) | ScanState::Running(_) => TaskPayload::Working,
        ScanState::Finished(finished) => match finished.outcome {
            Outcome::Completed(_) | Outcome::Failed(_) | Outcome::Timeout => {
                TaskPayload::Completed { result: result(&scan)? }
            }
            Outcome::Cancelled => TaskPayload::Cancelled,
        },
    };
    Ok(DetailedTask::new(of(host, &scan), payload))
}

/// Cancels the scan. A scan that has ended stays as it is.
pub async fn cancel(host: &Arc<Host>, id: &str) -> Result<(), Refusal> {
    match scans::cancel::cancel(host, id).await {
        Err(refusal) if refusal.code == ErrorCode::Conflict => Ok(()),
        cancelled => cancelled.map(drop),
    }
}

/// A scan that failed is an answer too, and no failed task.
fn payload_status(finished: &Finished) -> TaskStatus {
    match finished.outcome {
        Outcome::Completed(_) | Outcome::Failed(_) | Outcome::Timeout => TaskStatus::Completed,
        Outcome::Cancelled => TaskStatus::Cancelled,
    }
}

fn result(scan: &Scan) -> Result<JsonObject, Refusal> {
    let written = |error: serde_json::Error| Refusal::internal("writing the reply", &error);
    let status = serde_json::to_value(StatusReply::new(scan, None)).map_err(written)?;
    match serde_json::to_value(CallToolResult::structured(status)).map_err(written)? {
        Json::Object(result) => Ok(result),
        _ => Ok(JsonObject::new()),
    }
}

fn between(start: Timestamp, end: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(start)).unwrap_or_default()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
