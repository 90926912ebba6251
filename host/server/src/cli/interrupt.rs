//! Ctrl-C while a scan is followed: the first one asks to cancel the scan, and any other one ends the process.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// The exit code of an interrupted command.
const FAILED: i32 = 1;

/// Listens for Ctrl-C until it is dropped.
pub struct Interrupt {
    /// Cancelled by the first Ctrl-C while there is something to cancel.
    requested: CancellationToken,
    can_cancel: Arc<AtomicBool>,
    _listening: JoinSet<()>,
}

impl Interrupt {
    /// Begins to listen.
    pub fn listen() -> io::Result<Self> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let (requested, can_cancel) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let (first, cancels) = (requested.clone(), can_cancel.clone());
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            while interrupts.recv().await.is_some() {
                if first.is_cancelled() || !cancels.load(Ordering::Relaxed) {
                    // The store is consistent at any time, and a running scan continues at the next start.
                    std::process::exit(FAILED);
                }
                first.cancel();
            }
        });
        Ok(Self { requested, can_cancel, _listening: listening })
    }

    /// The token that is cancelled when the user asks to cancel the scan.
    pub fn requested(&self) -> &CancellationToken {
        &self.requested
    }

    /// From now on the first Ctrl-C asks to cancel the scan.
    pub fn begin_cancelling(&self) {
        self.can_cancel.store(true, Ordering::Relaxed);
    }

    /// From now on Ctrl-C ends the process.
    pub fn end_cancelling(&self) {
        self.can_cancel.store(false, Ordering::Relaxed);
    }
}
