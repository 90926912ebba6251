//! A version of a plugin that fails again and again is quarantined for a while, and each time for longer, since later
//! calls would most likely fail as well.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

#[cfg(test)]
mod tests;

/// Faults within [`WINDOW`] that begin a quarantine.
pub const FAULTS: usize = 5;

/// How long a fault counts, and how long after a quarantine a single fault begins the next one.
pub const WINDOW: Duration = Duration::from_secs(60);

/// How long the first quarantine lasts. Each one that begins on trial lasts twice as long as the one before.
pub const FIRST_PERIOD: Duration = Duration::from_secs(10);

pub const LONGEST_PERIOD: Duration = Duration::from_secs(600);

/// The faults of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quarantine {
    /// The faults that count, fewer than [`FAULTS`].
    faults: VecDeque<Timestamp>,
    period: Option<Period>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Period {
    until: Timestamp,
    lasts: Duration,
}

impl Quarantine {
    /// # Errors
    /// The error is the time until the quarantine ends.
    pub fn permit(&self, now: Timestamp) -> Result<(), Duration> {
        match self.period {
            Some(period) if period.until > now => {
                Err(Duration::try_from(period.until.duration_since(now)).unwrap_or_default())
            }
            _ => Ok(()),
        }
    }

    /// Counts a fault, and says whether a quarantine begins with it.
    pub fn fault(&mut self, now: Timestamp) -> bool {
        match self.period {
            // The call began before the quarantine.
            Some(period) if period.until > now => false,
            Some(period) if period.until + WINDOW > now => {
                self.begin((period.lasts * 2).min(LONGEST_PERIOD), now);
                true
            }
            _ => {
                self.period = None;
                self.faults.push_back(now);
                while self.faults.front().is_some_and(|first| *first + WINDOW <= now) {
                    self.faults.pop_front();
                }
                let has_begun = self.faults.len() >= FAULTS;
                if has_begun {
                    self.begin(FIRST_PERIOD, now);
                }
                has_begun
            }
        }
    }

    fn begin(&mut self, lasts: Duration, now: Timestamp) {
        self.faults.clear();
        self.period = Some(Period { until: now + lasts, lasts });
    }
}
