//! Limits how many requests are worked on at a time. The others wait for their turn, first come, first served. Turns
//! are short, and there are no more requests than connections, so that no request waits long.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::metrics::Metrics;

/// A request takes about a tenth of a megabyte while it is worked on, and more at a time are no faster.
const AT_A_TIME: usize = 256;

/// The longest turn. Work that takes longer waits for a disk, a store, or a report that is read again.
const LONGEST: Duration = Duration::from_secs(1);

pub struct ConcurrencyLimit {
    free: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl ConcurrencyLimit {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { free: Arc::new(Semaphore::new(AT_A_TIME)), metrics }
    }

    /// Waits for the request's turn, which ends when all clones of the returned value are dropped.
    pub async fn next(&self) -> CallSlot {
        let start = Instant::now();
        // Never closed.
        let permit = self.free.clone().acquire_owned().await.ok();
        self.metrics.waited_for_slot(start.elapsed());
        CallSlot(Arc::new(Mutex::new(permit)))
    }
}

/// A request's turn; the default is a turn that was passed on.
#[derive(Clone, Debug, Default)]
pub struct CallSlot(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl CallSlot {
    /// Does the work, and passes the turn on if the work takes longer than a turn.
    pub async fn work<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if let Ok(done) = timeout(LONGEST, &mut work).await {
            return done;
        }
        self.pass_on();
        work.await
    }

    /// Lets the next request work, because this one is done or waits: for a scan, or for the person at the client.
    pub fn pass_on(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests;
