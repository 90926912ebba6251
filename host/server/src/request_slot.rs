//! The mark of a request that occupies one of the few slots for large bodies.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

/// The slot of a request with a large body, held as long as any part of the request is in memory.
#[derive(Clone)]
pub struct RequestSlot {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl RequestSlot {
    pub fn new(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: Arc::new(permit) }
    }
}
