//! A scan and its states. Moving on consumes the old state, so no other transition than those of this file exists.

use std::fmt;

use jiff::Timestamp;

use crate::{
    ids::{BackendName, ScannerId, TaskId, TraceId},
    request::ScanRequest,
};

mod failure;
mod hints;
mod phase;

#[cfg(test)]
mod tests;

pub use failure::{Failure, FailureCode};
pub use hints::with_hints;
pub use phase::{Phase, PhaseName};

/// One task that an agent submitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    pub id: TaskId,
    pub trace: TraceId,
    /// Its place in the order of all submits; the queue of a pool is in this order.
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

/// Grows by one whenever a scan gets another worker, so that what an earlier one still writes is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub u64);

/// It waits for a scanner.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Queued;

/// A worker drives it on a scanner.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    pub slot: Slot,
    pub started_at: Timestamp,
    pub fence: Fence,
    pub phase: Phase,
    /// What the plugin wants to be given in its next call.
    pub plugin_state: Vec<u8>,
    /// Percent, 0 to 100. Never goes back.
    pub progress: u8,
    /// Calls to the scanner that failed and were tried again.
    pub retries: u32,
    /// Why the last of them failed, until one works.
    pub trouble: Option<String>,
    /// Times it was taken over from a lost worker.
    pub recoveries: u32,
    /// How many of those were needed since it last got on.
    pub recoveries_in_vain: u32,
    pub cancel_requested: bool,
}

/// The scanner that a scan was given, and the plugin that drives it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub scanner: ScannerId,
    pub backend: BackendName,
    pub plugin: PluginVersion,
}

/// Exactly which plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginVersion {
    pub version: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
}

/// It has ended, for good.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    pub outcome: Outcome,
    pub completed_at: Timestamp,
    /// How it ran; absent when it never did.
    pub run: Option<Run>,
}

/// What remains of a running scan.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub slot: Slot,
    pub started_at: Timestamp,
    pub remote_id: Option<String>,
    pub progress: u8,
    pub retries: u32,
    pub recoveries: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Completed(Summary),
    Failed(Failure),
    /// Its time limit was reached.
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

/// What a completed scan found, without the findings.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Summary {
    pub hosts_scanned: u32,
    pub total_vulnerabilities: u64,
    pub severity_counts: SeverityCounts,
    pub authentication: AuthenticationStatus,
    pub warnings: Vec<Warning>,
}

/// Findings for each severity.
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

/// Something that the reader of the results should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub code: String,
    pub message: String,
}

/// Whether the credentials of a scan worked on its hosts.
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

    /// The scan with its final state and without its secrets.
    pub fn finished(mut self, finished: Finished) -> Self {
        self.request.erase_secrets();
        self.state = ScanState::Finished(finished);
        self
    }
}

impl Queued {
    pub fn start(self, slot: Slot, now: Timestamp) -> Running {
        Running {
            slot,
            started_at: now,
            fence: Fence(1),
            phase: Phase::Claimed,
            plugin_state: Vec::new(),
            progress: 0,
            retries: 0,
            trouble: None,
            recoveries: 0,
            recoveries_in_vain: 0,
            cancel_requested: false,
        }
    }

    pub fn cancel(self, now: Timestamp) -> Finished {
        Finished { outcome: Outcome::Cancelled, completed_at: now, run: None }
    }

    pub fn fail(self, failure: Failure, now: Timestamp) -> Finished {
        Finished { outcome: Outcome::Failed(failure), completed_at: now, run: None }
    }
}

impl Running {
    /// Another worker takes over where the last one stopped.
    pub fn recover(self) -> Running {
        Running {
            fence: Fence(self.fence.0 + 1),
            recoveries: self.recoveries + 1,
            recoveries_in_vain: self.recoveries_in_vain + 1,
            ..self
        }
    }

    /// The next phase, when it is one that may follow.
    ///
    /// # Errors
    /// With the two phases, when it may not.
    pub fn enter(self, phase: Phase) -> Result<Running, RefusedPhase> {
        let (from, to) = (self.phase.name(), phase.name());
        if from.may_become(to) { Ok(Running { phase, ..self }.got_on()) } else { Err(RefusedPhase { from, to }) }
    }

    /// Something has worked: what lost workers have not done, or a call that had failed.
    pub fn got_on(self) -> Running {
        Running { recoveries_in_vain: 0, ..self }.untroubled()
    }

    /// A call has worked, after one that failed.
    pub fn untroubled(self) -> Running {
        Running { trouble: None, ..self }
    }

    /// A call failed for this reason, and will be tried again.
    pub fn troubled(self, reason: String) -> Running {
        Running { retries: self.retries + 1, trouble: Some(reason), ..self }
    }

    /// Takes note of progress. It never goes back.
    pub fn advance(&mut self, percent: u8) {
        self.progress = self.progress.max(percent.min(100));
    }

    pub fn finish(self, outcome: Outcome, now: Timestamp) -> Finished {
        let progress = match &outcome {
            Outcome::Completed(_) => 100,
            Outcome::Failed(_) | Outcome::Timeout | Outcome::Cancelled => self.progress,
        };
        let run = Run {
            remote_id: self.phase.remote_id().map(str::to_owned),
            slot: self.slot,
            started_at: self.started_at,
            progress,
            retries: self.retries,
            recoveries: self.recoveries,
        };
        Finished { outcome, completed_at: now, run: Some(run) }
    }
}

/// A phase that may not follow the present one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("phase {to} cannot follow {from}")]
pub struct RefusedPhase {
    pub from: PhaseName,
    pub to: PhaseName,
}
