//! The progress of an export between two calls.

use scanhost_sdk::backend::types::ScanError;
use serde::{Deserialize, Serialize};

use super::StartedExport;
use crate::scan_id::ScanId;

#[cfg(test)]
mod tests;

/// How often the scanner may fail to export a report before the export is given up for now.
const ATTEMPTS: u8 = 3;

// Invariant: `token` has the form of a token, so that it is safe in a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    file: u64,
    token: Option<String>,
    /// The number of the attempt, from 1.
    attempt: u8,
}

/// The number of an attempt that has not been started at the scanner yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt(u8);

impl Attempt {
    pub fn with(self, StartedExport { file, token }: StartedExport) -> Cursor {
        Cursor { file, token, attempt: self.0 }
    }
}

impl Cursor {
    pub fn first(export: StartedExport) -> Self {
        Attempt(1).with(export)
    }

    pub fn parse(text: &str) -> Result<Self, ScanError> {
        let cursor: Option<Self> = serde_json::from_str(text).ok();
        cursor
            .filter(|cursor| cursor.token.as_deref().is_none_or(is_token))
            .ok_or_else(|| ScanError::Invalid("the export's cursor is not from this backend".to_owned()))
    }

    pub fn write(&self) -> String {
        serde_json::to_string(self).expect("a record of numbers and text is JSON")
    }

    pub fn next_attempt(&self) -> Result<Attempt, ScanError> {
        if self.attempt >= ATTEMPTS {
            return Err(ScanError::Internal(format!("the scanner failed to export the report {ATTEMPTS} times")));
        }
        Ok(Attempt(self.attempt + 1))
    }

    /// The paths for this request about the file: first the documented one, then that of older versions.
    pub fn paths(&self, id: ScanId, what: &str) -> impl Iterator<Item = String> {
        let by_file = id.path(&format!("/export/{}/{what}", self.file));
        let by_token = self.token.as_ref().map(|token| format!("/tokens/{token}/{what}"));
        std::iter::once(by_file).chain(by_token)
    }
}

/// Whether the text is safe in a path.
pub fn is_token(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
