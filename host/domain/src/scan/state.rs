//! The states of a scan. Their fields can be read everywhere; only this file makes a state of another one.

use std::ops::Deref;

use jiff::Timestamp;

use super::{Failure, Outcome, Phase, PhaseName, PluginVersion, Slot};

/// Grows by one whenever a scan gets another worker, so that what an earlier one still writes is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub u64);

/// It waits for a scanner.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Queued;

/// A worker drives it on a scanner.
#[derive(Clone, Debug, PartialEq)]
pub struct Running(RunningFields);

/// What is known of a running scan.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningFields {
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

/// It has ended, for good.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished(FinishedFields);

/// What is known of a scan that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedFields {
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
            recoveries_in_vain: 0,
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
    /// The state of a stored scan, as it was written.
    pub fn restore(fields: RunningFields) -> Running {
        Running(fields)
    }

    /// Another worker takes over where the last one stopped.
    pub fn recover(self) -> Running {
        self.with(|running| {
            running.fence = Fence(running.fence.0 + 1);
            running.recoveries += 1;
            running.recoveries_in_vain += 1;
        })
    }

    /// The next phase, when it is one that may follow.
    ///
    /// # Errors
    /// With the two phases, when it may not.
    pub fn enter(self, phase: Phase) -> Result<Running, RefusedPhase> {
        let (from, to) = (self.phase.name(), phase.name());
        if !from.may_become(to) {
            return Err(RefusedPhase { from, to });
        }
        Ok(self.with(|running| running.phase = phase).got_on())
    }

    /// Something has worked: what lost workers have not done, or a call that had failed.
    pub fn got_on(self) -> Running {
        self.with(|running| running.recoveries_in_vain = 0).untroubled()
    }

    /// A call has worked, after one that failed.
    pub fn untroubled(self) -> Running {
        self.with(|running| running.trouble = None)
    }

    /// A call failed for this reason, and will be tried again.
    pub fn troubled(self, reason: String) -> Running {
        self.with(|running| {
            running.retries += 1;
            running.trouble = Some(reason);
        })
    }

    /// The plugin wants this to be given in its next call.
    pub fn remember(self, plugin_state: Vec<u8>) -> Running {
        self.with(|running| running.plugin_state = plugin_state)
    }

    /// Another version of the plugin drives it from now on.
    pub fn drive_with(self, plugin: PluginVersion) -> Running {
        self.with(|running| running.slot.plugin = plugin)
    }

    /// Somebody wants it to end.
    pub fn request_cancel(self) -> Running {
        self.with(|running| running.cancel_requested = true)
    }

    /// Takes note of progress. It never goes back.
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
    /// The state of a stored scan, as it was written.
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

/// A phase that may not follow the present one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("phase {to} cannot follow {from}")]
pub struct RefusedPhase {
    pub from: PhaseName,
    pub to: PhaseName,
}
