//! Syncs a large file to the disk while it is written. Otherwise the system would write it in one burst at its end, and
//! the syncs of the store, which everybody waits for, would queue behind it.

use std::{
    fs::File,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{JoinHandle, block_in_place},
};

#[cfg(test)]
mod tests;

/// Bytes that one sync covers, and that may wait for the next one. Less means more syncs, more means longer ones.
const PIECE: usize = 4 << 20;

/// A writer that syncs every few megabytes in the background. If the disk is slower, writing waits. Whoever needs the
/// file to be durable [waits](PendingSync::wait) for the last of these syncs, and syncs the file at its end.
pub struct SyncingWriter<F> {
    file: F,
    /// The file behind `file`.
    synced: Arc<File>,
    waiting: usize,
    syncing: PendingSync,
}

/// The sync under way. Its result is kept here, since the system reports a failed sync only once.
#[derive(Clone, Default)]
pub struct PendingSync(Arc<Mutex<Option<JoinHandle<io::Result<()>>>>>);

impl PendingSync {
    /// Waits for the sync, and returns its error.
    pub fn wait(&self) -> io::Result<()> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match last {
            Some(last) => block_in_place(|| Handle::current().block_on(last))?,
            None => Ok(()),
        }
    }

    fn begin(&self, runtime: &Handle, file: Arc<File>) {
        let sync = runtime.spawn_blocking(move || file.sync_data());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sync);
    }
}

impl<F> SyncingWriter<F> {
    /// `same` returns the file behind `file`.
    pub fn new(file: F, same: impl FnOnce(&F) -> &File, syncing: PendingSync) -> io::Result<Self> {
        let synced = Arc::new(same(&file).try_clone()?);
        Ok(Self { file, synced, waiting: 0, syncing })
    }

    pub fn get_ref(&self) -> &F {
        &self.file
    }

    /// Waits for the last sync and returns the file, whose last piece may not be on the disk yet.
    pub fn finish(self) -> io::Result<F> {
        self.syncing.wait()?;
        Ok(self.file)
    }

    fn sync(&mut self) -> io::Result<()> {
        // Without a runtime of several threads there is nobody else who waits.
        let Ok(runtime) = Handle::try_current() else { return Ok(()) };
        if runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
            return Ok(());
        }
        self.syncing.wait()?;
        self.waiting = 0;
        self.syncing.begin(&runtime, self.synced.clone());
        Ok(())
    }
}

impl<F: Write> Write for SyncingWriter<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting >= PIECE {
            self.sync()?;
        }
        let written = self.file.write(bytes)?;
        self.waiting += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
