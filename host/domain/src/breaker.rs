//! A scanner that fails again and again is left alone for a while, then tried once.

use std::time::Duration;

use jiff::Timestamp;

#[cfg(test)]
mod tests;

/// Failures in a row that open the breaker.
pub const FAILURES: u32 = 5;

/// How long an open breaker waits before its probe.
pub const PROBE_DELAY: Duration = Duration::from_secs(30);

/// What others see of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Circuit {
    /// It takes scans.
    Closed,
    /// It has failed too often and takes no scans.
    Open,
    /// One probe is under way.
    HalfOpen,
}

impl Circuit {
    pub const ALL: [Circuit; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// The breaker of one scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Breaker(State);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { since: Timestamp },
    HalfOpen { since: Timestamp },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// Proof that a call may go to the scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass(());

impl Breaker {
    pub fn circuit(self) -> Circuit {
        match self.0 {
            State::Closed { .. } => Circuit::Closed,
            State::Open { .. } => Circuit::Open,
            State::HalfOpen { .. } => Circuit::HalfOpen,
        }
    }

    /// A breaker in the state that another process reported. A probe of that process is not ours, so a half-open
    /// circuit is open here.
    pub fn reported(circuit: Circuit, since: Timestamp) -> Self {
        match circuit {
            Circuit::Closed => Self::default(),
            Circuit::Open | Circuit::HalfOpen => Self(State::Open { since }),
        }
    }

    /// Whether it would let a probe through now.
    pub fn is_probe_due(self, now: Timestamp, delay: Duration) -> bool {
        match self.0 {
            State::Closed { .. } => false,
            State::Open { since } | State::HalfOpen { since } => {
                Duration::try_from(now.duration_since(since)).is_ok_and(|elapsed| elapsed >= delay)
            }
        }
    }

    /// Lets every call through while closed, else one probe after `delay`, usually [`PROBE_DELAY`], whose answer
    /// decides.
    /// A probe that is never answered is followed by another after the same delay.
    ///
    /// # Errors
    /// The error is the time after which to ask again.
    pub fn permit(&mut self, now: Timestamp, delay: Duration) -> Result<Pass, Duration> {
        match self.0 {
            State::Closed { .. } => Ok(Pass(())),
            State::Open { since } | State::HalfOpen { since } => {
                let elapsed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
                if elapsed < delay {
                    return Err(delay - elapsed);
                }
                self.0 = State::HalfOpen { since: now };
                Ok(Pass(()))
            }
        }
    }

    /// Whether new scans should be given to the scanner: not while it is known not to work.
    pub fn takes_scans(self) -> bool {
        matches!(self.0, State::Closed { .. })
    }

    /// Opens at once, however few calls have failed. A probe that comes to this begins the delay anew.
    pub fn open(&mut self, now: Timestamp) {
        self.0 = match self.0 {
            State::Closed { .. } | State::HalfOpen { .. } => State::Open { since: now },
            State::Open { since } => State::Open { since },
        };
    }

    /// The scanner answered, with whatever answer.
    pub fn succeed(&mut self) {
        self.0 = State::default();
    }

    /// The scanner could not be reached or did not work.
    pub fn fail(&mut self, now: Timestamp) {
        self.0 = match self.0 {
            State::Closed { failures } if failures + 1 < FAILURES => State::Closed { failures: failures + 1 },
            State::Closed { .. } | State::HalfOpen { .. } => State::Open { since: now },
            State::Open { since } => State::Open { since },
        };
    }
}
