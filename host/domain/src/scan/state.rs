//! The states of a scan. Their fields can be read everywhere, but only this file turns one state into another.

use std::ops::Deref;

use jiff::Timestamp;

use super::{Failure, Outcome, Phase, PhaseName, PluginVersion, Slot};

/// A number that grows by one whenever a scan gets another worker, so that writes of an earlier worker are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub u64);

/// The scan waits for a scanner.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Queued;

/// A worker drives the scan at a scanner.
#[derive(Clone, Debug, PartialEq)]
pub struct Running(RunningFields);

/// The data of a running scan.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningFields {
    pub slot: Slot,
    pub started_at: Timestamp,
    pub fence: Fence,
    pub phase: Phase,
    /// The state that the plugin gets back in its next call.
    pub plugin_state: Vec<u8>,
    /// A percentage from 0 to 100. It never decreases.
    pub progress: u8,
    /// The number of calls to the scanner that failed and were tried again.
    pub retries: u32,
    /// Why the last call failed. Absent once a call has worked.
    pub trouble: Option<String>,
    /// How often another worker took the scan over from a lost one.
    pub recoveries: u32,
    /// How often the process died while it worked on this scan, since the scan last made progress. A process that dies
    /// while it only waits for the scanner does not count.
    pub crashes: u32,
    pub cancel_requested: bool,
}

/// The scan has ended. This state never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished(FinishedFields);

/// The data of a scan that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedFields {
    pub outcome: Outcome,
    pub completed_at: Timestamp,
    /// How the scan ran. Absent if it never ran.
    pub run: Option<Run>,
}

/// The data that an ended scan keeps from its running state.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub slot: Slot,
    pub started_at: Timestamp,
    pub remote_id: Option<String>,
    /// The phase in which the scan ended. It is absent in records of scanhost 0.1.0.
    pub phase: Option<PhaseName>,
    /// What the plugin wanted to be given in its next call. Kept of failed scans alone, since a retry may go on.
    pub plugin_state: Vec<u8>,
    pub progress: u8,
    pub retries: u32,
    pub recoveries: u32,
}

impl Queued {
    pub fn start(self, slot: Slot, now: Timestamp) -> Running {
        Running(RunningFields {
            slot,
            started_at: now,
            fence: Fence(1),
            phase: Phase::Claimed,
            plugin_state: Vec::new(),
            progress: 0,
            retries: 0,
            trouble: None,
            recoveries: 0,
            crashes: 0,
            cancel_requested: false,
        })
    }

    pub fn cancel(self, now: Timestamp) -> Finished {
        Finished(FinishedFields { outcome: Outcome::Cancelled, completed_at: now, run: None })
    }

    pub fn fail(self, failure: Failure, now: Timestamp) -> Finished {
        Finished(FinishedFields { outcome: Outcome::Failed(failure), completed_at: now, run: None })
    }
}

impl Running {
    /// Restores the state of a stored scan.
    pub fn restore(fields: RunningFields) -> Running {
        Running(fields)
    }

    /// Another worker takes the scan over where the last one stopped.
    pub fn recover(self) -> Running {
        self.with(|running| {
            running.fence = Fence(running.fence.0 + 1);
            running.recoveries += 1;
        })
    }

    /// The process of its last worker died while it worked on this scan.
    pub fn crashed(self) -> Running {
        self.with(|running| running.crashes += 1)
    }

    /// Enters the next phase.
    ///
    /// # Errors
    /// The phase may not follow the current one.
    pub fn enter(self, phase: Phase) -> Result<Running, RefusedPhase> {
        let (from, to) = (self.phase.name(), phase.name());
        if !from.may_become(to) {
            return Err(RefusedPhase { from, to });
        }
        Ok(self.with(|running| running.phase = phase).progressed())
    }

    /// The scan made progress, so earlier crashes and the last failed call no longer count.
    pub fn progressed(self) -> Running {
        self.with(|running| running.crashes = 0).call_worked()
    }

    /// A call worked, so the reason of an earlier failed call is removed.
    pub fn call_worked(self) -> Running {
        self.with(|running| running.trouble = None)
    }

    /// A call failed for this reason and will be tried again.
    pub fn call_failed(self, reason: String) -> Running {
        self.with(|running| {
            running.retries += 1;
            running.trouble = Some(reason);
        })
    }

    /// Stores the state that the plugin gets back in its next call.
    pub fn remember(self, plugin_state: Vec<u8>) -> Running {
        self.with(|running| running.plugin_state = plugin_state)
    }

    /// Another version of the plugin drives the scan from now on.
    pub fn drive_with(self, plugin: PluginVersion) -> Running {
        self.with(|running| running.slot.plugin = plugin)
    }

    /// Records that the scan is to be cancelled.
    pub fn request_cancel(self) -> Running {
        self.with(|running| running.cancel_requested = true)
    }

    /// Records the progress. A lower value than before changes nothing.
    pub fn advance(&mut self, percent: u8) {
        self.0.progress = self.progress.max(percent.min(100));
    }

    pub fn finish(self, outcome: Outcome, now: Timestamp) -> Finished {
        let progress = match &outcome {
            Outcome::Completed(_) => 100,
            Outcome::Failed(_) | Outcome::Timeout | Outcome::Cancelled => self.progress,
        };
        let run = Run {
            remote_id: self.phase.remote_id().map(str::to_owned),
            started_at: self.started_at,
            phase: Some(self.phase.name()),
            plugin_state: match &outcome {
                Outcome::Failed(_) => self.plugin_state.clone(),
                Outcome::Completed(_) | Outcome::Timeout | Outcome::Cancelled => Vec::new(),
            },
            progress,
            retries: self.retries,
            recoveries: self.recoveries,
            slot: self.0.slot,
        };
        Finished(FinishedFields { outcome, completed_at: now, run: Some(run) })
    }

    fn with(mut self, change: impl FnOnce(&mut RunningFields)) -> Running {
        change(&mut self.0);
        self
    }
}

impl Deref for Running {
    type Target = RunningFields;

    fn deref(&self) -> &RunningFields {
        &self.0
    }
}

impl Finished {
    /// Restores the state of a stored scan.
    pub fn restore(fields: FinishedFields) -> Finished {
        Finished(fields)
    }
}

impl Deref for Finished {
    type Target = FinishedFields;

    fn deref(&self) -> &FinishedFields {
        &self.0
    }
}

/// The error for a phase that may not follow the current one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("phase {to} cannot follow {from}")]
pub struct RefusedPhase {
    pub from: PhaseName,
    pub to: PhaseName,
}
