//! Whether this store may stop and remove scans at the scanners by itself. A store that was copied or restored may not,
//! since it knows too little: its original may still use the scans that this one believes to be its own.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use scanhost_domain::{error_chain::chain, ids::TaskId};
use scanhost_store::{Doubt, FolderIdentity, StoreError, Trust};
use scanhost_system::{clock, installation};

use super::{Orphan, Start, submitted_at, survey::newest_task};
use crate::host::Host;

/// Between two looks whether another process has changed the store's trust.
const INTERVAL: Duration = Duration::from_secs(10);

/// Compares the data folder with the one that the store was last trusted with. It is called once, before any work.
///
/// # Errors
/// If the store or the folder cannot be read.
pub async fn check_folder(host: &Host) -> Result<(), TrustError> {
    let identity = identity(&host.data).map_err(TrustError::Folder)?;
    let installed_at = identity.born_at.and_then(|born_at| Timestamp::from_nanosecond(born_at).ok());
    host.orphans.set_start(Start { at: clock::now(), newest: newest_task(host).await?, installed_at });
    let trust = match host.remote_scans.trust().await? {
        None => {
            let trust = Trust { folder: Some(identity), ..Trust::default() };
            host.remote_scans.set_trust(&trust).await?;
            trust
        }
        Some(trust) => trust,
    };
    if trust.doubt.is_none() && trust.trusted_at.is_none() && is_store_empty_beside_reports(host).await? {
        let reason = "the store has no scan, although the data folder has reports of scans: the store was emptied, or is \
                      another one than before";
        return raise(host, trust, reason.to_owned()).await.map_err(TrustError::from);
    }
    let is_same = trust.folder.is_none_or(|known| known.may_be(identity));
    if trust.doubt.is_none() && !is_same {
        let reason = "the data folder is a copy or was restored: its file `installation` is not the one that the store \
                      was used with";
        return raise(host, trust, reason.to_owned()).await.map_err(TrustError::from);
    }
    adopt(host, trust.doubt);
    Ok(())
}

async fn is_store_empty_beside_reports(host: &Host) -> Result<bool, StoreError> {
    let has_reports = fs::read_dir(host.data.join("tasks")).is_ok_and(|mut tasks| tasks.next().is_some());
    Ok(has_reports && newest_task(host).await?.is_none() && host.remote_scans.leftovers().await?.is_empty())
}

/// Why it cannot be found out whether the store is trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("the file `installation` in the data folder cannot be looked at")]
    Folder(#[source] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Doubts the store if a scanner holds a scan of a task that is newer than the newest one of this store: then the store
/// is an older state of itself, or was emptied.
pub async fn check_orphans(host: &Host, orphans: &[Orphan]) -> Result<(), StoreError> {
    if !host.orphans.is_trusted() {
        return Ok(());
    }
    let trust = host.remote_scans.trust().await?.unwrap_or_default();
    let is_answered =
        |task: &TaskId| trust.trusted_at.zip(submitted_at(task)).is_some_and(|(at, submitted_at)| submitted_at <= at);
    let raises_doubt = |orphan: &&Orphan| {
        !orphan.is_task_known && host.orphans.was_lost_before_start(&orphan.task) && !is_answered(&orphan.task)
    };
    let Some(Orphan { scanner, remote_id, task, .. }) = orphans.iter().find(raises_doubt) else { return Ok(()) };
    let reason = format!(
        "the scanner {scanner} holds the scan {remote_id} of the task {task}, which is newer than every task of this \
         store: the store was restored from a backup, emptied, or is another one than before"
    );
    raise(host, trust, reason).await
}

/// Trusts the store from now on, as it is and in the folder in which it is.
///
/// # Errors
/// If the store or the folder cannot be used.
pub async fn trust(host: &Host) -> Result<(), TrustError> {
    let identity = identity(&host.data).map_err(TrustError::Folder)?;
    let trust = Trust { folder: Some(identity), doubt: None, trusted_at: Some(clock::now()) };
    host.remote_scans.set_trust(&trust).await?;
    host.orphans.set_doubt(None);
    tracing::info!("an operator trusts the store: it may stop and remove its own scans at the scanners again");
    Ok(())
}

/// Refreshes until shutdown.
pub async fn follow(host: Arc<Host>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = host.shutdown.cancelled() => return,
        }
        refresh(&host).await;
    }
}

/// Takes over what other processes of the store have found out or decided.
pub async fn refresh(host: &Host) {
    match host.remote_scans.trust().await {
        Ok(Some(trust)) => adopt(host, trust.doubt),
        // A store that was emptied says nothing, so what is known stays.
        Ok(None) => {}
        Err(error) => tracing::debug!(error = chain(&error), "the store's trust could not be read"),
    }
}

async fn raise(host: &Host, trust: Trust, reason: String) -> Result<(), StoreError> {
    let doubt = Doubt { reason, since: clock::now() };
    host.remote_scans.set_trust(&Trust { doubt: Some(doubt.clone()), ..trust }).await?;
    adopt(host, Some(doubt));
    Ok(())
}

fn adopt(host: &Host, doubt: Option<Doubt>) {
    if let Some(doubt) = doubt.as_ref().filter(|doubt| host.orphans.doubt().as_ref() != Some(doubt)) {
        let reason = &doubt.reason;
        tracing::error!(
            reason,
            "the host stops and removes nothing at the scanners by itself until an operator has looked at `scanhost orphans list` and has run `scanhost orphans trust`, which must not be done while another scanhost works with the original of this store"
        );
    }
    host.orphans.set_doubt(doubt);
}

fn identity(data: &Path) -> std::io::Result<FolderIdentity> {
    let metadata = fs::metadata(data.join(installation::FILE_NAME))?;
    let born_at = metadata.created().ok().and_then(|time| Timestamp::try_from(time).ok());
    Ok(FolderIdentity { inode: metadata.ino(), born_at: born_at.map(Timestamp::as_nanosecond) })
}
