//! How many requests are worked on at a time. The others wait for their turn, as they came; a caller's own limit, and
//! that of connections, refuse what would be too much.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{host::Host, metrics::Metrics};

/// A request takes about a tenth of a megabyte while it is worked on, and more at a time are no faster.
const AT_A_TIME: usize = 256;

pub struct Turns {
    free: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Turns {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { free: Arc::new(Semaphore::new(AT_A_TIME)), metrics }
    }

    /// Ready when it is the request's turn, which ends when this is dropped, and what was cloned of it.
    pub async fn next(&self) -> Turn {
        let start = Instant::now();
        // Never closed.
        let permit = self.free.clone().acquire_owned().await.ok();
        self.metrics.waited_for_turn(start.elapsed());
        Turn(Arc::new(Mutex::new(permit)))
    }
}

/// Lets the library see a request only when it is its turn: what it keeps for each is most of the memory. The turn ends
/// with the call that [takes](HandOver::take) it, or with the response.
pub async fn take_turns(State(host): State<Arc<Host>>, mut request: Request, next: Next) -> Response {
    let turn = HandOver(Arc::new(Mutex::new(Some(host.turns.next().await))));
    request.extensions_mut().insert(turn.clone());
    let response = next.run(request).await;
    turn.take();
    response
}

/// By default one that was passed on.
#[derive(Clone, Debug, Default)]
pub struct Turn(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Turn {
    /// Lets the next one work while this one waits for somebody else: a scan, or its client's person.
    pub fn pass_on(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The turn of an HTTP request, for the call in it.
#[derive(Clone)]
pub struct HandOver(Arc<Mutex<Option<Turn>>>);

impl HandOver {
    /// None once it was taken, or the request was answered with a stream before that.
    pub fn take(&self) -> Option<Turn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests;
