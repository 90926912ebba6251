//! Writes the audit log's entries to its files, one for each day, and removes those that are too old.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use scanhost_domain::error_chain::chain;
use scanhost_system::clock;

use super::Entry;
use crate::host::Host;

const FOLDER: &str = "audit";

/// Entries that are written at once.
const BATCH: usize = 1_024;

/// Between two looks whether the data folder is back.
const FOLDER_PAUSE: Duration = Duration::from_millis(500);

/// The time between two looks for files that are too old.
const TIDY_INTERVAL: Duration = Duration::from_secs(3_600);

/// Writes what is noted, until shutdown, and then what is left.
pub async fn run(host: Arc<Host>) {
    let mut waiting = host.audit.take_entries();
    let folder = host.data.join(FOLDER);
    let mut tidied = None;
    // A store without leases has one process.
    let sharing = if host.scans.lease().is_none() { Sharing::Alone } else { Sharing::WithOthers };
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            _ = waiting.recv_many(&mut batch, BATCH) => {}
            () = host.shutdown.cancelled() => waiting.close(),
        }
        if batch.is_empty() && waiting.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let oldest = tidied.is_none_or(|last: tokio::time::Instant| last.elapsed() > TIDY_INTERVAL).then(|| {
            tidied = Some(tokio::time::Instant::now());
            let kept = jiff::SignedDuration::try_from(host.snapshot.load().config.retention.audit);
            kept.ok().and_then(|kept| clock::now().checked_sub(kept).ok()).map(day)
        });
        // Nothing is written into a folder that was put in the place of ours.
        while host.check_folder().await.is_err() && !host.shutdown.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(FOLDER_PAUSE) => {}
                () = host.shutdown.cancelled() => {}
            }
        }
        let folder = folder.clone();
        let lost = host.audit.take_lost();
        let writing = host.tasks.spawn_blocking(move || {
            if let Some(oldest) = oldest.flatten() {
                remove_before(&folder, oldest);
            }
            append(&folder, &batch, sharing).inspect_err(|_| {
                tracing::error!(entries = batch.len(), "entries of the audit log are lost");
            })
        });
        match writing.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = chain(&error), "the audit log cannot be written"),
            Err(error) => tracing::error!(error = chain(&error), "the audit log cannot be written"),
        }
        if lost > 0 {
            tracing::error!(lost, "entries of the audit log are lost, since the disk is too slow for them");
        }
    }
}

fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Appends whole lines, in one write for each file, so that several processes can share it.
fn append(folder: &Path, entries: &[Entry], sharing: Sharing) -> io::Result<()> {
    let mut rest = entries;
    while let Some(first) = rest.first() {
        let date = day(first.time);
        let (same, later) = rest.split_at(rest.iter().take_while(|entry| day(entry.time) == date).count());
        let mut lines = Vec::new();
        for entry in same {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        open(folder, date, sharing)?.write_all(&lines)?;
        rest = later;
    }
    Ok(())
}

fn open(folder: &Path, date: Date, sharing: Sharing) -> io::Result<File> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(file(folder, date, sharing))
}

/// Processes that share a store have files of their own, since a network file system may mix what several append.
fn file(folder: &Path, date: Date, sharing: Sharing) -> PathBuf {
    static PROCESS: LazyLock<u32> = LazyLock::new(rand::random);
    match sharing {
        Sharing::Alone => folder.join(format!("{date}.jsonl")),
        Sharing::WithOthers => folder.join(format!("{date}-{:08x}.jsonl", *PROCESS)),
    }
}

/// Whether other processes write an audit log into the same folder at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    Alone,
    WithOthers,
}

/// The day of a file, also of one that processes of scanhost 0.1.0 shared.
fn date_of(path: &Path) -> Option<Date> {
    const DATE: usize = "2026-01-31".len();
    let stem = path.file_stem()?.to_str()?;
    let is_ours = path.extension()? == "jsonl" && (stem.len() == DATE || stem.as_bytes().get(DATE) == Some(&b'-'));
    stem.get(..DATE).filter(|_| is_ours)?.parse().ok()
}

/// Removes the files of days before this one. Whatever else lies in the folder stays.
fn remove_before(folder: &Path, oldest: Date) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if date_of(&path).is_some_and(|date| date < oldest)
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(file = %path.display(), error = chain(&error), "an old audit log could not be removed");
        }
    }
}

#[cfg(test)]
mod tests;
