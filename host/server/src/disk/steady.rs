//! A large file on its way to the disk. Left to the system it would go there in one burst at its end, and the syncs of
//! the store, which everybody waits for, would stand behind it.

use std::{
    fs::File,
    io::{self, Write},
    sync::Arc,
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{JoinHandle, block_in_place},
};

/// How much may be on its way, and how much may wait behind it. Less means more syncs, more a longer one.
const PIECE: usize = 4 << 20;

/// Syncs what is written to it, every few megabytes, while more is written; where the disk is slower than that, writing
/// waits. This is no promise: whoever needs the file to be durable syncs it at its end.
pub struct Steady<F> {
    file: F,
    /// The same file.
    synced: Arc<File>,
    waiting: usize,
    under_way: Option<JoinHandle<()>>,
}

impl<F> Steady<F> {
    /// `same` is the file behind `file`.
    ///
    /// # Errors
    /// When there are too many open files.
    pub fn new(file: F, same: impl FnOnce(&F) -> &File) -> io::Result<Self> {
        let synced = Arc::new(same(&file).try_clone()?);
        Ok(Self { file, synced, waiting: 0, under_way: None })
    }

    pub fn get_ref(&self) -> &F {
        &self.file
    }

    pub fn into_inner(self) -> F {
        self.file
    }

    fn sync(&mut self) {
        // Without a runtime of several threads nobody else waits either.
        let Ok(runtime) = Handle::try_current() else { return };
        if runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
            return;
        }
        if let Some(last) = self.under_way.take() {
            // It does not fail, and where the runtime ends nothing is written any more.
            let _ended = block_in_place(|| runtime.block_on(last));
        }
        self.waiting = 0;
        let file = self.synced.clone();
        self.under_way = Some(runtime.spawn_blocking(move || {
            // What fails here fails again at the end.
            let _failed = file.sync_data();
        }));
    }
}

impl<F: Write> Write for Steady<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.waiting += written;
        if self.waiting >= PIECE {
            self.sync();
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
