//! A version of a plugin that fails again and again is left alone for a while, and each time for longer: what it does to
//! its calls it would do to all that come.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

#[cfg(test)]
mod tests;

/// Faults within [`WINDOW`] that begin a rest.
pub const FAULTS: usize = 5;

/// How long a fault counts; and how long after a rest a single one begins the next.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The first rest. Each that follows on trial lasts twice as long.
pub const FIRST_REST: Duration = Duration::from_secs(10);

pub const LONGEST_REST: Duration = Duration::from_secs(600);

/// The faults of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quarantine {
    /// Those that count; fewer than [`FAULTS`].
    faults: VecDeque<Timestamp>,
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rest {
    until: Timestamp,
    lasts: Duration,
}

impl Quarantine {
    /// # Errors
    /// With the time that it rests on.
    pub fn permit(&self, now: Timestamp) -> Result<(), Duration> {
        match self.rest {
            Some(rest) if rest.until > now => {
                Err(Duration::try_from(rest.until.duration_since(now)).unwrap_or_default())
            }
            _ => Ok(()),
        }
    }

    /// Whether a rest begins with this fault.
    pub fn fault(&mut self, now: Timestamp) -> bool {
        match self.rest {
            // Of a call that was let through before.
            Some(rest) if rest.until > now => false,
            Some(rest) if rest.until + WINDOW > now => {
                self.begin((rest.lasts * 2).min(LONGEST_REST), now);
                true
            }
            _ => {
                self.rest = None;
                self.faults.push_back(now);
                while self.faults.front().is_some_and(|first| *first + WINDOW <= now) {
                    self.faults.pop_front();
                }
                let has_begun = self.faults.len() >= FAULTS;
                if has_begun {
                    self.begin(FIRST_REST, now);
                }
                has_begun
            }
        }
    }

    fn begin(&mut self, lasts: Duration, now: Timestamp) {
        self.faults.clear();
        self.rest = Some(Rest { until: now + lasts, lasts });
    }
}
