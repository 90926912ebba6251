//! Watches what the host builds on: that the store is still the one that it was bound to, that it keeps what it has
//! acknowledged, and that the clock is right. While one of these is not so, nothing is deleted or given up.

pub mod look;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::SignedDuration;
use scanhost_system::pace::paced;
use tokio::time::Instant;

/// A process whose clock is off by more than this does no housekeeping.
const MAX_CLOCK_OFFSET: SignedDuration = SignedDuration::from_secs(30);

/// How long nothing is deleted after the clock of the machine was set.
const JUMP_REST: Duration = Duration::from_secs(24 * 3_600);

#[derive(Default)]
pub struct StoreWatch(Mutex<Seen>);

#[derive(Clone, Default)]
struct Seen {
    /// The store has lost what it was bound to.
    is_emptied: bool,
    risks: Vec<String>,
    /// By how much the store's clock is ahead of this process' own.
    clock_ahead: SignedDuration,
    /// How far the clock of this machine was set, and until when nothing is deleted because of that.
    jump: Option<(SignedDuration, Instant)>,
}

impl StoreWatch {
    /// Whether new scans may be claimed.
    pub fn permits_claims(&self) -> bool {
        !self.lock().is_emptied
    }

    /// Whether what is old may be deleted, and what waits for too long may be given up.
    pub fn permits_housekeeping(&self) -> bool {
        let seen = self.lock();
        let has_jumped = seen.jump.is_some_and(|(_, until)| Instant::now() < until);
        !seen.is_emptied && !has_jumped && seen.clock_ahead.abs() <= MAX_CLOCK_OFFSET
    }

    /// Why the store cannot be used, although it answers.
    pub fn emptied(&self) -> Option<String> {
        self.lock().is_emptied.then(|| {
            "the store has lost its data: it was flushed, or another server took its place without the data. Restore the \
             store; nothing is started and no file is deleted until then"
                .to_owned()
        })
    }

    /// Settings of the store with which it may lose what it has acknowledged.
    pub fn risks(&self) -> Vec<String> {
        self.lock().risks.clone()
    }

    /// By how many seconds the store's clock is ahead of this process' own.
    pub fn clock_ahead(&self) -> SignedDuration {
        self.lock().clock_ahead
    }

    /// What is wrong with the clock, if anything is.
    pub fn clock_problem(&self) -> Option<String> {
        let seen = self.lock();
        if seen.clock_ahead.abs() > MAX_CLOCK_OFFSET {
            let (seconds, side) = (seen.clock_ahead.as_secs().abs(), side(seen.clock_ahead));
            return Some(format!(
                "the clock of this machine is {seconds} s {side} the store's: synchronise it; until then this process \
                 deletes nothing"
            ));
        }
        let (jump, _) = seen.jump.filter(|(_, until)| Instant::now() < *until)?;
        let (seconds, way) = (jump.as_secs().abs(), if jump.is_negative() { "back" } else { "forward" });
        Some(format!("the clock of this machine was set {way} by {seconds} s: nothing is deleted for a day after that"))
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_emptied(&self, is_emptied: bool) {
        let was_emptied = std::mem::replace(&mut self.lock().is_emptied, is_emptied);
        if is_emptied && !was_emptied {
            tracing::error!(
                "the store has lost its data; this process starts nothing and deletes nothing until it is restored"
            );
        } else if was_emptied && !is_emptied {
            tracing::warn!("the store has its data again; this process goes on");
        }
    }

    fn set_risks(&self, risks: Vec<String>) {
        let before = std::mem::replace(&mut self.lock().risks, risks.clone());
        for risk in risks.iter().filter(|risk| !before.contains(risk)) {
            tracing::warn!(risk, "the store may lose scans");
        }
    }

    fn set_clock(&self, ahead: SignedDuration) {
        let before = std::mem::replace(&mut self.lock().clock_ahead, ahead);
        if ahead.abs() > MAX_CLOCK_OFFSET && before.abs() <= MAX_CLOCK_OFFSET {
            let seconds = ahead.as_secs();
            tracing::error!(
                seconds,
                "the clock of this machine differs from the store's; this process goes by the store's clock and does no housekeeping"
            );
        }
    }

    fn note_jump(&self, jump: SignedDuration) {
        let seconds = jump.as_secs();
        tracing::error!(seconds, "the clock of this machine was set; nothing is deleted for a day");
        self.lock().jump = Some((jump, Instant::now() + paced(JUMP_REST)));
    }
}

/// Where this machine's clock is, seen from the store's.
fn side(store_ahead: SignedDuration) -> &'static str {
    if store_ahead.is_negative() { "ahead of" } else { "behind" }
}
