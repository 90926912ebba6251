//! Whether the file system of the data folder has room and can be written.

mod syncing_writer;

use std::{
    io::{self, Write as _},
    path::Path,
};

pub use crate::disk::syncing_writer::{PendingSync, SyncingWriter};

/// Free bytes below which nothing new is begun: a scan's record, its folder and the pages of the database need some.
pub const LEAST_ROOM: u64 = 1 << 20;

/// Whether the file system has room for something new.
pub fn has_room(folder: &Path) -> bool {
    // Some network file systems report no sizes.
    free_bytes(folder).is_none_or(|free| free >= LEAST_ROOM)
}

/// Free bytes for this process on the folder's file system; absent where the file system does not tell them.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    (stat.f_blocks > 0).then(|| stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Whether the error says that the disk or a quota is full.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Writes a few bytes into the folder and syncs them to the disk. It also fails if the disk is nearly full.
pub fn probe(folder: &Path) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(b"scanhost")?;
    file.as_file().sync_all()?;
    if has_room(folder) { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
}
