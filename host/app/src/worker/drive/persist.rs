//! Storing what was done at a scanner, also when the store or the data folder is away for a while.

use std::time::Duration;

use scanhost_domain::{error_chain::chain, ids::TraceId};
use scanhost_store::WorkError;

use super::{Driver, End};
use crate::host::Host;

/// Before storing a step again that could not be stored.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Between two looks whether the data folder can be used again.
const FOLDER_PAUSE: Duration = Duration::from_secs(2);

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
    /// Waits until the data folder can be used. What was done at the scanner stays there, so that the scan goes on once
    /// somebody has made room or has put the folder back.
    pub(super) async fn await_folder(&self) -> Result<(), End> {
        let mut said = None;
        loop {
            self.pause(FOLDER_PAUSE).await?;
            let Err(error) = self.host.probe_folder().await else { return Ok(()) };
            let reason = error.to_string();
            if said.as_ref() != Some(&reason) {
                tracing::error!(scan = %self.scan.id, trace = %self.scan.trace, reason, "the scan waits for the data folder");
                said = Some(reason);
            }
        }
    }
}
