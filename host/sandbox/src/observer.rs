//! What is told of every call of a guest, for whoever counts them.

use std::time::Duration;

use crate::{digest::Digest, fault::Fault};

/// Somebody who wants to know of every call. Told on the thread of the call: it must not block.
pub trait Observer: Send + Sync {
    fn called(&self, report: &CallReport<'_>);

    /// A call failed, and this is what its guest had to say. Told before the call's own report.
    fn heard(&self, words: &LastWords<'_>) {
        let _nobody = words;
    }

    /// Whether a plugin with this digest may be called now.
    ///
    /// # Errors
    /// With the time for which it is left alone.
    fn permit(&self, digest: Digest) -> Result<(), Duration> {
        let _anyone = digest;
        Ok(())
    }
}

/// What a guest wrote to its standard error last, before its call failed. For its author and the operator alone: it
/// may hold what scanned hosts said.
#[derive(Clone, Copy, Debug)]
pub struct LastWords<'a> {
    pub plugin: &'a str,
    pub function: &'static str,
    /// A few KiB at most, of one or more lines, with whatever characters the guest wrote.
    pub text: &'a str,
}

/// One call that has ended.
#[derive(Clone, Copy, Debug)]
pub struct CallReport<'a> {
    pub plugin: &'a str,
    pub digest: Digest,
    pub function: &'static str,
    pub outcome: CallOutcome,
    /// Of the guest and what it waited for; not the wait for a place.
    pub time: Duration,
    /// Bytes of memories and tables at its end, which is when they are the most.
    pub memory: usize,
    /// What the guest's own code cost, the same on every machine; where the sandbox is metered.
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
    /// The words of all outcomes.
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
