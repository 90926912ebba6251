//! How often each caller may call, and how many of its calls may run at once. What is too much is refused at once, with
//! the time after which it is worth another try; nothing waits here.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock as _};
use scanhost_config::CallLimits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::refusal::{ErrorCode, Refusal};

/// HTTP requests for each call: a client's polling, pings and streams beside its calls.
const REQUESTS_PER_CALL: u32 = 10;

/// When a caller whose calls all run may try again: one of them may have ended.
const NEXT_ENDED: Duration = Duration::from_secs(1);

/// What each caller has used of its share, by the token's name.
#[derive(Default)]
pub struct Callers(Mutex<HashMap<String, Arc<Share>>>);

/// One caller's share, for as long as the limits stay what they are.
struct Share {
    limits: CallLimits,
    calls: Option<DefaultDirectRateLimiter>,
    requests: Option<DefaultDirectRateLimiter>,
    running: Option<Arc<Semaphore>>,
}

/// A call that may run; it counts as running until this is dropped.
#[derive(Debug)]
pub struct Permit(#[expect(dead_code, reason = "held for its drop")] Option<OwnedSemaphorePermit>);

/// A call beyond the caller's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    #[error("this caller is over its limit of {per_minute} calls a minute")]
    Often { per_minute: NonZeroU32, wait: Duration },
    #[error("this caller is at its limit of {at_once} calls at once")]
    AtOnce { at_once: NonZeroU32 },
}

impl TooMuch {
    /// Whole seconds, at least one, as `Retry-After` counts them.
    pub fn retry_after_seconds(self) -> u64 {
        let wait = match self {
            Self::Often { wait, .. } => wait,
            Self::AtOnce { .. } => NEXT_ENDED,
        };
        wait.as_secs().saturating_add(1)
    }
}

impl Callers {
    /// Lets one call of a tool, a resource or a prompt run.
    ///
    /// # Errors
    /// When the caller has used its share.
    pub fn permit_call(&self, caller: &str, limits: CallLimits) -> Result<Permit, TooMuch> {
        let share = self.share(caller, limits);
        let running = match &share.running {
            None => None,
            Some(running) => Some(running.clone().try_acquire_owned().map_err(|_| TooMuch::AtOnce {
                at_once: limits.at_once.expect("a share counts only what is limited"),
            })?),
        };
        take(share.calls.as_ref(), limits.per_minute)?;
        Ok(Permit(running))
    }

    /// Lets one HTTP request of any kind in. Only a client that runs wild gets to hear of this.
    ///
    /// # Errors
    /// When the caller sends many times more requests than it may make calls.
    pub fn permit_request(&self, caller: &str, limits: CallLimits) -> Result<(), TooMuch> {
        let share = self.share(caller, limits);
        take(share.requests.as_ref(), limits.per_minute.map(|calls| calls.saturating_mul(REQUESTS)))
    }

    fn share(&self, caller: &str, limits: CallLimits) -> Arc<Share> {
        let mut shares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match shares.get(caller) {
            Some(share) if share.limits == limits => share.clone(),
            // Names come from the configuration, so there are not many.
            _ => {
                let share = Arc::new(Share::new(limits));
                shares.insert(caller.to_owned(), share.clone());
                share
            }
        }
    }
}

const REQUESTS: NonZeroU32 = NonZeroU32::new(REQUESTS_PER_CALL).expect("not zero");

impl Share {
    fn new(limits: CallLimits) -> Self {
        let bucket = |per_minute| RateLimiter::direct(Quota::per_minute(per_minute));
        Self {
            limits,
            calls: limits.per_minute.map(bucket),
            requests: limits.per_minute.map(|calls| bucket(calls.saturating_mul(REQUESTS))),
            running: limits.at_once.map(|at_once| {
                Arc::new(Semaphore::new(
                    usize::try_from(at_once.get()).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS),
                ))
            }),
        }
    }
}

fn take(bucket: Option<&DefaultDirectRateLimiter>, per_minute: Option<NonZeroU32>) -> Result<(), TooMuch> {
    match bucket.zip(per_minute) {
        None => Ok(()),
        Some((bucket, per_minute)) => bucket
            .check()
            .map_err(|denied| TooMuch::Often { per_minute, wait: denied.wait_time_from(bucket.clock().now()) }),
    }
}

impl From<TooMuch> for Refusal {
    fn from(too_much: TooMuch) -> Self {
        let seconds = too_much.retry_after_seconds();
        let hint = match too_much {
            TooMuch::Often { .. } => format!("Try again in {seconds} s. wait_for_scan needs fewer calls than polling."),
            TooMuch::AtOnce { .. } => {
                "Wait until a running call has ended; wait_for_scan counts as one while it waits.".to_owned()
            }
        };
        Self::new(ErrorCode::RateLimited, too_much.to_string(), hint)
    }
}
