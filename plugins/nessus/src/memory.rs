//! What a call leaves for the next one.

use serde::{Deserialize, Serialize};

/// Nessus says `empty` of a scan that was never launched, and for a moment of one that was: only this tells them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    pub launched: bool,
}

impl Memory {
    /// A state that cannot be read is taken as none, which at worst means one more launch that the scanner refuses.
    pub fn read(state: &[u8]) -> Self {
        serde_json::from_slice(state).unwrap_or_default()
    }

    pub fn write(self) -> Vec<u8> {
        serde_json::to_vec(&self).expect("a record of one boolean is JSON")
    }
}
