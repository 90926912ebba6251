//! What the host keeps for a scan between two calls.

use scanhost_sdk::backend::types::ScanError;
use serde::{Deserialize, Serialize};

use crate::progress::Progress;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    pub task: String,
    pub command: String,
    /// Those that options and targets ask for, as they were when the scan was created.
    pub arguments: Vec<String>,
    pub is_launched: bool,
    pub progress: Progress,
}

impl Memory {
    pub fn new(task: &str, command: &str, arguments: Vec<String>) -> Self {
        let (task, command) = (task.to_owned(), command.to_owned());
        Self { task, command, arguments, is_launched: false, progress: Progress::default() }
    }

    /// Of the scan with this id, which is that of its task.
    pub fn of(state: &[u8], id: &str) -> Result<Self, ScanError> {
        let memory: Option<Self> = serde_json::from_slice(state).ok();
        memory
            .filter(|memory| memory.task == id)
            .ok_or_else(|| ScanError::NotFound("nothing is known of such a scan".to_owned()))
    }

    /// # Panics
    /// Never: text and numbers are JSON.
    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text and numbers are JSON")
    }
}

#[cfg(test)]
mod tests;
