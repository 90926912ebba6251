//! A scan and its states. A transition consumes the old state, so that only the transitions in this module exist.

use std::fmt;

use jiff::Timestamp;

use crate::{
    ids::{BackendName, ScannerId, TaskId, TraceId},
    request::ScanRequest,
};

mod failure;
mod hints;
mod phase;
mod state;

#[cfg(test)]
mod tests;

pub use failure::{Failure, FailureCode};
pub use hints::with_hints;
pub use phase::{Phase, PhaseName};
pub use state::{Fence, Finished, FinishedFields, Queued, RefusedPhase, Run, Running, RunningFields};

/// One task that a caller submitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    pub id: TaskId,
    pub trace: TraceId,
    /// The scan's number in the order of all submits. The queue of a pool is in this order.
    pub sequence: u64,
    pub request: ScanRequest,
    pub created_at: Timestamp,
    /// The dead letter that this scan runs again.
    pub retry_of: Option<TaskId>,
    pub state: ScanState,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ScanState {
    Queued(Queued),
    Running(Running),
    Finished(Finished),
}

/// The word that users see for a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Queued,
    Running,
    Completed,
    Failed,
    Timeout,
    Cancelled,
}

impl Status {
    pub const ALL: [Status; 6] =
        [Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Timeout, Self::Cancelled];

    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The scanner that a scan was given, and the plugin that drives it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub scanner: ScannerId,
    pub backend: BackendName,
    pub plugin: PluginVersion,
}

/// The exact version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginVersion {
    pub version: String,
    /// The SHA-256 of the component, in hexadecimal.
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Completed(Summary),
    Failed(Failure),
    /// The scan reached its time limit.
    Timeout,
    Cancelled,
}

impl Outcome {
    pub fn status(&self) -> Status {
        match self {
            Self::Completed(_) => Status::Completed,
            Self::Failed(_) => Status::Failed,
            Self::Timeout => Status::Timeout,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

/// The summary of a completed scan: counts and warnings without the findings.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Summary {
    pub hosts_scanned: u32,
    pub total_vulnerabilities: u64,
    pub severity_counts: SeverityCounts,
    pub authentication: AuthenticationStatus,
    pub warnings: Vec<Warning>,
}

/// The number of findings of each severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SeverityCounts {
    pub critical: u64,
    pub high: u64,
    pub medium: u64,
    pub low: u64,
    pub info: u64,
}

impl SeverityCounts {
    pub fn count(&mut self, severity: crate::finding::Severity) {
        use crate::finding::Severity;
        let counter = match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
            Severity::Info => &mut self.info,
        };
        *counter += 1;
    }
}

/// A warning for the reader of the results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub code: String,
    pub message: String,
}

/// Whether the credentials of a scan worked on the scanned hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AuthenticationStatus {
    Success,
    Partial,
    Failed,
    #[default]
    Unknown,
    NotApplicable,
}

impl AuthenticationStatus {
    pub const ALL: [AuthenticationStatus; 5] =
        [Self::Success, Self::Partial, Self::Failed, Self::Unknown, Self::NotApplicable];

    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not_applicable",
        }
    }
}

impl Scan {
    pub fn status(&self) -> Status {
        match &self.state {
            ScanState::Queued(_) => Status::Queued,
            ScanState::Running(_) => Status::Running,
            ScanState::Finished(finished) => finished.outcome.status(),
        }
    }

    pub fn is_finished(&self) -> bool {
        matches!(self.state, ScanState::Finished(_))
    }

    /// Returns the scan with its final state and without its secrets.
    pub fn finished(mut self, finished: Finished) -> Self {
        self.request.erase_secrets();
        self.state = ScanState::Finished(finished);
        self
    }
}
