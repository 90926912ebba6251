//! How many requests are worked on at a time.

use std::{pin::pin, time::Duration};

use tokio::{sync::Semaphore, time::timeout};

/// A request that is worked on takes about a tenth of a megabyte, and more than so many at a time are no faster.
const AT_A_TIME: usize = 256;

/// What takes longer waits itself, for a scan or for its client, and is in nobody's way any more.
const IN_THE_WAY: Duration = Duration::from_millis(100);

pub struct Concurrency(Semaphore);

impl Default for Concurrency {
    fn default() -> Self {
        Self(Semaphore::new(AT_A_TIME))
    }
}

impl Concurrency {
    /// Does the work as soon as there is a place for it: after those that came before, and at once where they only wait.
    pub async fn limit<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        // Never closed.
        let place = self.0.acquire().await.ok();
        if let Ok(done) = timeout(IN_THE_WAY, &mut work).await {
            return done;
        }
        drop(place);
        work.await
    }
}

#[cfg(test)]
mod tests;
