//! Removing a scan: a running one is stopped at its scanner first. Its files go after its record, and a note of that is
//! kept meanwhile, so that a removal which was cut short is finished by whoever comes next.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use scanhost_domain::{
    error_chain::chain,
    ids::{TaskId, TraceId},
};
use scanhost_store::{Cancelled, Deleted, StoreError};
use scanhost_system::{atomic, clock};

use crate::{
    host::Host,
    refusal::{ErrorCode, Refusal},
};

/// The folder of the notes, in the data folder. Each is named by its scan.
const NOTES: &str = "removing";

/// How long a running scan may take to stop before its record is removed under it.
const STOP_TIME: Duration = Duration::from_secs(20);

/// What became of it.
pub enum Removal {
    /// With the trace id of the scan.
    Done(TraceId),
    NotFound,
    /// `force` was not given.
    Running,
}

/// Removes record and files.
///
/// # Errors
/// When the store or the files cannot be used.
pub async fn remove(host: &Arc<Host>, id: &TaskId, force: bool) -> Result<Removal, Refusal> {
    host.check_folder().await.map_err(|error| {
        Refusal::new(
            ErrorCode::Unavailable,
            error.to_string(),
            "Nothing was deleted. Try again once the folder is back.",
        )
    })?;
    if force {
        stop(host, id).await?;
    }
    if let Err(error) = take_note(host, id) {
        // Perhaps because the disk is full, which removing something helps against.
        tracing::warn!(scan = %id, error = chain(&error), "no note could be taken of a removal");
    }
    match host.scans.delete(id, force, clock::now()).await? {
        Deleted::NotFound if !may_remove_files(host).await => {
            drop_note(host, id);
            Ok(Removal::NotFound)
        }
        Deleted::NotFound => {
            remove_files(host, id).map_err(|error| Refusal::internal("removing the scan's files", &error))?;
            Ok(Removal::NotFound)
        }
        Deleted::Running => {
            drop_note(host, id);
            Ok(Removal::Running)
        }
        Deleted::Done(scan) => {
            host.reports.forget(id);
            remove_files(host, id).map_err(|error| Refusal::internal("removing the scan's files", &error))?;
            Ok(Removal::Done(scan.trace))
        }
    }
}

/// Finishes the removals that were cut short.
///
/// # Errors
/// When the store cannot be asked which they are.
pub async fn resume(host: &Host) -> Result<(), StoreError> {
    let Ok(notes) = fs::read_dir(host.data.join(NOTES)) else { return Ok(()) };
    if !may_remove_files(host).await {
        return Ok(());
    }
    for note in notes.filter_map(Result::ok) {
        let Some(id) = note.file_name().to_str().and_then(|name| name.parse::<TaskId>().ok()) else { continue };
        // A record that is still there is being deleted just now, or was not: then the note says nothing.
        match host.scans.scan(&id).await {
            Ok(None) => {}
            Ok(Some(_)) | Err(StoreError::Damaged(_)) => continue,
            Err(error) => return Err(error),
        }
        match remove_files(host, &id) {
            Ok(()) => tracing::info!(scan = %id, "the files of a deleted scan are removed"),
            Err(error) => tracing::warn!(scan = %id, error = chain(&error), "a deleted scan's files stay"),
        }
    }
    Ok(())
}

/// Makes files of a scan whose folder is not there: perhaps because it was deleted meanwhile, and then they go again.
///
/// # Errors
/// Those of `write`.
pub async fn writing_anew(host: &Host, id: &TaskId, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    take_note(host, id)?;
    let written = write();
    clear_if_gone(host, id).await;
    written
}

/// Removes what a scan's worker has written since the scan was deleted, where it was.
pub async fn clear_if_gone(host: &Host, id: &TaskId) {
    let left = match host.scans.scan(id).await {
        Ok(None) if !may_remove_files(host).await => {
            drop_note(host, id);
            return;
        }
        Ok(None) => remove_files(host, id),
        Ok(Some(_)) | Err(StoreError::Damaged(_)) => {
            drop_note(host, id);
            return;
        }
        // It is looked at again later.
        Err(_) => take_note(host, id),
    };
    if let Err(error) = left {
        tracing::warn!(scan = %id, error = chain(&error), "a deleted scan's files stay");
    }
}

/// Whether the files of a scan without a record may go: not where the store has lost its records, or is another one.
async fn may_remove_files(host: &Host) -> bool {
    let is_bound = host.settings.is_bound().await.unwrap_or(false);
    is_bound && host.remote_scans.trust().await.is_ok_and(|trust| trust.is_some_and(|trust| trust.doubt.is_none()))
}

fn note(host: &Host, id: &TaskId) -> PathBuf {
    host.data.join(NOTES).join(id.as_str())
}

fn take_note(host: &Host, id: &TaskId) -> io::Result<()> {
    fs::create_dir_all(host.data.join(NOTES))?;
    atomic::write(&note(host, id), &[])
}

fn drop_note(host: &Host, id: &TaskId) {
    // A note too many says nothing.
    let _gone = fs::remove_file(note(host, id));
}

/// Of a scan that has no record any more.
fn remove_files(host: &Host, id: &TaskId) -> io::Result<()> {
    match fs::remove_dir_all(host.folder(id)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    drop_note(host, id);
    Ok(())
}

/// Cancels it and waits, within bounds, until its worker has stopped it.
async fn stop(host: &Host, id: &TaskId) -> Result<(), Refusal> {
    let watch = host.scans.watch(id);
    if let Cancelled::Requested(_) = host.scans.cancel(id, clock::now()).await? {
        let ended = async {
            loop {
                let changed = watch.changed();
                match host.scans.scan(id).await {
                    Ok(Some(scan)) if !scan.is_finished() => changed.await,
                    _ => return,
                }
            }
        };
        let _elapsed = tokio::time::timeout(STOP_TIME, ended).await;
    }
    Ok(())
}
