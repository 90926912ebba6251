//! Decides on which scanner a scan starts, and what is retried. Values go in, and a value comes out.

use std::time::Duration;

use crate::ids::{InstanceId, ScannerId};

#[cfg(test)]
mod tests;

/// A scanner as a claim sees it.
#[derive(Clone, Debug)]
pub struct Capacity {
    pub scanner: ScannerId,
    pub max_concurrent_scans: u32,
    pub active: u32,
}

impl Capacity {
    fn is_free(&self) -> bool {
        self.active < self.max_concurrent_scans
    }

    /// Active scans, in thousandths of the capacity.
    fn load(&self) -> u32 {
        self.active.saturating_mul(1_000) / self.max_concurrent_scans.max(1)
    }
}

/// How a pool spreads its scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Balance {
    #[default]
    LeastLoaded,
    RoundRobin,
}

/// The scanner that a scan starts on now, if one is free. `turn` grows with every claim in the pool.
pub fn choose_scanner<'a>(
    scanners: &'a [Capacity],
    pinned: Option<&InstanceId>,
    balance: Balance,
    turn: u64,
) -> Option<&'a ScannerId> {
    let count = scanners.len();
    let first = usize::try_from(turn % u64::try_from(count).ok().filter(|n| *n > 0)?).ok()?;
    let in_turn = (0..count).map(|offset| &scanners[(first + offset) % count]);
    let mut free =
        in_turn.filter(|capacity| capacity.is_free() && pinned.is_none_or(|id| *id == capacity.scanner.instance));
    let chosen = match balance {
        Balance::RoundRobin => free.next(),
        Balance::LeastLoaded => free.min_by_key(|capacity| capacity.load()),
    };
    chosen.map(|capacity| &capacity.scanner)
}

/// What is done after a failed call to a scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    After(Duration),
    GiveUp,
}

/// Failures in a row after which a scan is given up.
pub const MAX_FAILURES: u32 = 20;

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// The longest wait that a scanner may ask for, so that a proxy's mistake does not park a scan for a day.
const LONGEST_REQUESTED: Duration = Duration::from_secs(600);

/// Waits with full jitter, a time between zero and an exponentially growing bound, so that many scans do not come back
/// at once. A longer `Retry-After` of the scanner is obeyed. `random` is in 0..1.
pub fn retry(failures_in_a_row: u32, requested: Option<Duration>, random: f64) -> Retry {
    if failures_in_a_row >= MAX_FAILURES {
        return Retry::GiveUp;
    }
    let bound = FIRST_DELAY.saturating_mul(1 << failures_in_a_row.min(16)).min(LONGEST_DELAY);
    let jittered = bound.mul_f64(random.clamp(0.0, 1.0));
    Retry::After(requested.map_or(jittered, |requested| requested.min(LONGEST_REQUESTED).max(jittered)))
}
