//! Ctrl-C while a scan is followed: the first one asks for its end. Any other one ends the process.

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

/// The exit code of what is interrupted.
const FAILED: i32 = 1;

/// Listens for as long as it lives.
pub struct Interrupt {
    /// Cancelled by the first Ctrl-C while there is something to cancel.
    asked: CancellationToken,
    can_cancel: Arc<AtomicBool>,
    _listening: JoinSet<()>,
}

impl Interrupt {
    /// # Errors
    /// When the signal cannot be had.
    pub fn listen() -> io::Result<Self> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let (asked, can_cancel) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let (first, cancels) = (asked.clone(), can_cancel.clone());
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            while interrupts.recv().await.is_some() {
                if first.is_cancelled() || !cancels.load(Ordering::Relaxed) {
                    // What the store has is whole at any time; a scan under way goes on at the next start.
                    std::process::exit(FAILED);
                }
                first.cancel();
            }
        });
        Ok(Self { asked, can_cancel, _listening: listening })
    }

    pub fn asked(&self) -> &CancellationToken {
        &self.asked
    }

    /// From now on the first Ctrl-C is a wish that somebody carries out.
    pub fn begin_cancelling(&self) {
        self.can_cancel.store(true, Ordering::Relaxed);
    }

    /// From now on there is nothing to cancel any more.
    pub fn end_cancelling(&self) {
        self.can_cancel.store(false, Ordering::Relaxed);
    }
}
