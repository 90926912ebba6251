//! A guest's standard error. Its end is kept while the call lasts, for the author of a guest that fails.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

/// Bytes that are kept. A guest may write without end, which costs it CPU time and the host no more memory than this.
const KEPT: usize = 4 << 10;

/// The stream; copies share it.
#[derive(Clone, Default)]
pub struct Stderr(Arc<Mutex<Tail>>);

#[derive(Default)]
struct Tail {
    // Invariant: at most KEPT bytes.
    bytes: VecDeque<u8>,
    was_cut: bool,
}

impl Stderr {
    fn lock(&self) -> MutexGuard<'_, Tail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, written: &[u8]) {
        let mut tail = self.lock();
        let kept = &written[written.len().saturating_sub(KEPT)..];
        let excess = (tail.bytes.len() + kept.len()).saturating_sub(KEPT);
        tail.was_cut |= excess > 0 || kept.len() < written.len();
        tail.bytes.drain(..excess);
        tail.bytes.extend(kept);
    }

    /// The last complete lines as they were written; `None` if they are empty.
    pub fn last_lines(&self) -> Option<String> {
        let mut tail = self.lock();
        let was_cut = tail.was_cut;
        let bytes = &*tail.bytes.make_contiguous();
        let whole = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) if was_cut && end + 1 < bytes.len() => &bytes[end + 1..],
            _ => bytes,
        };
        let text = String::from_utf8_lossy(whole).trim_end().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

impl IsTerminal for Stderr {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stderr {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Stderr {
    async fn ready(&mut self) {}
}

impl OutputStream for Stderr {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(KEPT)
    }
}

impl AsyncWrite for Stderr {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
