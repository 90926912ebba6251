//! A large file on its way to the disk. Left to the system it would go there in one burst at its end, and the syncs of
//! the store, which everybody waits for, would stand behind it.

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

/// How much may be on its way, and how much may wait behind it. Less means more syncs, more a longer one.
const PIECE: usize = 4 << 20;

/// Syncs what is written to it, every few megabytes, while more is written; where the disk is slower than that, writing
/// waits. Whoever needs the file to be durable [waits](PendingSync::wait) for the last of these, and syncs it at its end.
pub struct SyncingWriter<F> {
    file: F,
    /// The same file.
    synced: Arc<File>,
    waiting: usize,
    syncing: PendingSync,
}

/// The sync that is under way, of which the file alone would not tell that it failed: the system tells so once.
#[derive(Clone, Default)]
pub struct PendingSync(Arc<Mutex<Option<JoinHandle<io::Result<()>>>>>);

impl PendingSync {
    /// # Errors
    /// When it failed, or there was no end to it.
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
    /// `same` is the file behind `file`.
    ///
    /// # Errors
    /// When there are too many open files.
    pub fn new(file: F, same: impl FnOnce(&F) -> &File, syncing: PendingSync) -> io::Result<Self> {
        let synced = Arc::new(same(&file).try_clone()?);
        Ok(Self { file, synced, waiting: 0, syncing })
    }

    pub fn get_ref(&self) -> &F {
        &self.file
    }

    /// The file, of which the last piece may not be on the disk.
    ///
    /// # Errors
    /// When one of the others did not get there.
    pub fn finish(self) -> io::Result<F> {
        self.syncing.wait()?;
        Ok(self.file)
    }

    fn sync(&mut self) -> io::Result<()> {
        // Without a runtime of several threads nobody else waits either.
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
