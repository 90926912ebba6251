//! The state that the host keeps for a scan between two calls.

use scanhost_sdk::backend::types::ScanError;
use serde::{Deserialize, Serialize};

use crate::progress::Progress;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedState {
    pub task: String,
    pub command: String,
    /// The arguments for the options and targets with which the scan was created.
    pub arguments: Vec<String>,
    pub is_launched: bool,
    pub progress: Progress,
}

impl SavedState {
    pub fn new(task: &str, command: &str, arguments: Vec<String>) -> Self {
        let (task, command) = (task.to_owned(), command.to_owned());
        Self { task, command, arguments, is_launched: false, progress: Progress::default() }
    }

    /// Reads the state of the scan with this id, which is the id of its task.
    pub fn of(state: &[u8], id: &str) -> Result<Self, ScanError> {
        let saved: Option<Self> = serde_json::from_slice(state).ok();
        saved
            .filter(|saved| saved.task == id)
            .ok_or_else(|| ScanError::NotFound("the state does not belong to this scan".to_owned()))
    }

    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text and numbers are JSON")
    }
}

#[cfg(test)]
mod tests;
