//! What an observer learns of every call of a guest.

use std::time::Duration;

use crate::{digest::Digest, fault::Fault};

/// An observer of every call. It runs on the thread of the call and must not block.
pub trait Observer: Send + Sync {
    fn call_ended(&self, report: &CallReport<'_>);

    /// A call failed, and its guest had written to standard error. It comes before the report of the call.
    fn stderr_written(&self, words: &StderrTail<'_>) {
        let _ignored = words;
    }

    /// Whether a plugin with this digest may be called now.
    ///
    /// # Errors
    /// The error is the time that the quarantine still lasts.
    fn permit(&self, digest: Digest) -> Result<(), Duration> {
        let _ignored = digest;
        Ok(())
    }
}

/// The end of what a guest wrote to standard error before its call failed. It is for the author and the operator alone,
/// since it may hold what scanned hosts said.
#[derive(Clone, Copy, Debug)]
pub struct StderrTail<'a> {
    pub plugin: &'a str,
    pub function: &'static str,
    /// One or more lines, a few KiB at most, with whatever characters the guest wrote.
    pub text: &'a str,
}

/// One call that has ended.
#[derive(Clone, Copy, Debug)]
pub struct CallReport<'a> {
    pub plugin: &'a str,
    pub digest: Digest,
    pub function: &'static str,
    pub outcome: CallOutcome,
    /// The time of the guest and of what it waited for, without the wait for a slot.
    pub time: Duration,
    /// Bytes of memories and tables at its end, where they are at their maximum.
    pub memory: usize,
    /// The fuel that the guest's own code used, the same on every machine, if the sandbox is metered.
    pub fuel: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    Ok,
    /// The guest answered with an error of its world.
    Error,
    /// It gave no answer, for this kind of reason.
    Fault(&'static str),
}

impl CallOutcome {
    /// The names of all outcomes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ["ok", "error"].into_iter().chain(Fault::KINDS)
    }

    /// The word for logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Fault(kind) => kind,
        }
    }
}
