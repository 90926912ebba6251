//! Removing a scan: a running one is stopped at its scanner first.

use std::{io, sync::Arc, time::Duration};

use scanhost_domain::{
    ids::{TaskId, TraceId},
    scan::Status,
};

use crate::{
    clock,
    host::Host,
    refusal::Refusal,
    store::{Cancelled, Deleted},
};

/// How long a running scan may take to stop before its record is removed under it.
const STOP_TIME: Duration = Duration::from_secs(20);

/// What became of it.
pub enum Removal {
    /// With the trace id of the scan.
    Done(TraceId),
    NotFound,
    /// It has not ended, and `force` was not given.
    Active(Status),
}

/// Removes record and files.
///
/// # Errors
/// When the store or the files cannot be used.
pub async fn remove(host: &Arc<Host>, id: &TaskId, force: bool) -> Result<Removal, Refusal> {
    if force {
        stop(host, id).await?;
    }
    match host.store.delete(id, force, clock::now()).await? {
        Deleted::NotFound => Ok(Removal::NotFound),
        Deleted::Active(scan) => Ok(Removal::Active(scan.status())),
        Deleted::Done(scan) => {
            tracing::info!(scan = %scan.id, trace = %scan.trace, "scan deleted");
            match std::fs::remove_dir_all(host.folder(id)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(Refusal::internal("removing the scan's files", &error))
                }
                _ => Ok(Removal::Done(scan.trace)),
            }
        }
    }
}

/// Cancels it and waits, within bounds, until its worker has stopped it.
async fn stop(host: &Host, id: &TaskId) -> Result<(), Refusal> {
    let watch = host.store.watch(id);
    if let Cancelled::Requested(_) = host.store.cancel(id, clock::now()).await? {
        let ended = async {
            loop {
                let changed = watch.changed();
                match host.store.scan(id).await {
                    Ok(Some(scan)) if !scan.is_finished() => changed.await,
                    _ => return,
                }
            }
        };
        let _elapsed = tokio::time::timeout(STOP_TIME, ended).await;
    }
    Ok(())
}
