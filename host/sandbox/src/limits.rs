//! What one call of a guest may use.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Bounds of one call. They are set before the guest runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time in guest code, counted in ticks of 10 ms.
    pub cpu: Duration,
    /// Time from start to end, host calls included. For `parse` and downloads: time without progress.
    pub wall: Duration,
    /// Bytes over all linear memories and tables of the instance.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cpu: Duration::from_secs(2), wall: Duration::from_secs(30), memory: 128 << 20 }
    }
}

/// Counts memories and tables together, and remembers a refusal, since the guest only sees a trap.
pub struct MemoryLimiter {
    limit: usize,
    used: usize,
    refused: bool,
}

/// What a table element costs on the host.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

impl MemoryLimiter {
    pub fn new(limit: usize) -> Self {
        Self { limit, used: 0, refused: false }
    }

    pub fn has_refused(&self) -> bool {
        self.refused
    }

    /// Bytes that the call holds. The number never falls while the call lasts.
    pub fn used(&self) -> usize {
        self.used
    }

    fn grow(&mut self, by: usize) -> bool {
        match self.used.checked_add(by) {
            Some(used) if used <= self.limit => {
                self.used = used;
                true
            }
            _ => {
                self.refused = true;
                false
            }
        }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT_BYTES)))
    }
}
