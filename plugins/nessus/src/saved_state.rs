//! The state that a call saves for the next one.

use serde::{Deserialize, Serialize};

/// Nessus says `empty` for a scan that was never launched, and for a moment also for one that was: only this tells them
/// apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedState {
    pub launched: bool,
}

impl SavedState {
    /// An unreadable state counts as not launched, which at worst causes one more launch that the scanner refuses.
    pub fn read(state: &[u8]) -> Self {
        serde_json::from_slice(state).unwrap_or_default()
    }

    pub fn write(self) -> Vec<u8> {
        serde_json::to_vec(&self).expect("a record of one boolean is JSON")
    }
}
