//! The only clock. Functions that decide get the time as an argument.
//!
//! Processes that share a store go by the store's clock, so that one whose own clock is wrong ends and deletes nothing
//! too early.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

/// The variable that sets the clock of a process wrong by so many seconds.
const VARIABLE: &str = "SCANHOST_CLOCK_WRONG_BY";

/// What is added to the system's clock, in milliseconds.
static OFFSET: AtomicI64 = AtomicI64::new(0);

/// Differences that come from the time of a request alone.
const JITTER: SignedDuration = SignedDuration::from_secs(1);

pub fn now() -> Timestamp {
    let offset = SignedDuration::from_millis(OFFSET.load(Ordering::Relaxed));
    system_now().checked_add(offset).unwrap_or(Timestamp::MAX)
}

/// The system's own clock. Tests can set it wrong, in builds with debug assertions only.
pub fn system_now() -> Timestamp {
    if !cfg!(debug_assertions) {
        return Timestamp::now();
    }
    static WRONG_BY: OnceLock<SignedDuration> = OnceLock::new();
    let wrong_by = *WRONG_BY.get_or_init(|| {
        let seconds = std::env::var(VARIABLE).ok().and_then(|text| text.parse().ok());
        SignedDuration::from_secs(seconds.unwrap_or(0))
    });
    Timestamp::now().checked_add(wrong_by).unwrap_or(Timestamp::MAX)
}

/// Follows another clock, which is this much ahead of the system's.
pub fn follow(ahead: SignedDuration) {
    let present = SignedDuration::from_millis(OFFSET.load(Ordering::Relaxed));
    let wanted = if ahead.abs() <= JITTER { SignedDuration::ZERO } else { ahead };
    // Two clocks never differ by the same amount twice.
    if (wanted - present).abs() > JITTER || wanted.is_zero() {
        OFFSET.store(i64::try_from(wanted.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }
}

/// The time since the machine started, which nobody can set.
pub fn since_boot() -> Duration {
    let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(boot.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(boot.tv_nsec).unwrap_or_default())
}

/// A moment by the system's clock and by the clock that nobody sets.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    wall: Timestamp,
    since_boot: Duration,
}

impl Moment {
    pub fn now() -> Self {
        Self { wall: system_now(), since_boot: since_boot() }
    }

    /// By how much the system's clock was set between this moment and a later one.
    pub fn jump_until(self, later: Self) -> SignedDuration {
        let passed = SignedDuration::try_from(later.since_boot.saturating_sub(self.since_boot));
        later.wall.duration_since(self.wall) - passed.unwrap_or(SignedDuration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jump_is_the_difference_between_the_clocks() {
        let start = Moment { wall: Timestamp::UNIX_EPOCH, since_boot: Duration::from_secs(100) };
        for (wall, since_boot, expected) in [(10, 110, 0), (3_610, 110, 3_600), (-3_590, 110, -3_600)] {
            let later =
                Moment { wall: Timestamp::from_second(wall).unwrap(), since_boot: Duration::from_secs(since_boot) };
            assert_eq!(start.jump_until(later), SignedDuration::from_secs(expected));
        }
    }
}
