//! Storing what was done at a scanner, also when the store is away or the disk is full for a while.

use std::time::Duration;

use scanhost_domain::{error_chain::chain, ids::TraceId};
use scanhost_store::WorkError;
use scanhost_system::disk;

use super::{Driver, End};
use crate::host::Host;

/// Before storing a step again that could not be stored.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Between two looks whether the disk has room again.
const ROOM_PAUSE: Duration = Duration::from_secs(2);

/// Stores a step, however long the store is away: what was done at the scanner cannot be undone, and must be recorded.
pub(super) async fn persist<T, F>(host: &Host, trace: &TraceId, step: impl Fn() -> F) -> Result<T, End>
where
    F: Future<Output = Result<T, WorkError>>,
{
    loop {
        match step().await {
            Ok(value) => return Ok(value),
            Err(WorkError::Stale) => return Err(End::Stale),
            Err(WorkError::Store(error)) => {
                tracing::error!(%trace, error = chain(&error), "a scan's step could not be stored, trying again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(STORE_PAUSE) => {}
            () = host.shutdown.cancelled() => return Err(End::Shutdown),
        }
    }
}

impl Driver {
    /// What was done at the scanner stays there, so that the scan goes on once somebody has made room.
    pub(super) async fn await_room(&self) -> Result<(), End> {
        tracing::error!(scan = %self.scan.id, trace = %self.scan.trace, "the disk is full, waiting for room");
        self.pause(ROOM_PAUSE).await?;
        while !disk::has_room(&self.host.data) {
            self.pause(ROOM_PAUSE).await?;
        }
        Ok(())
    }
}
