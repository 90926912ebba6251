//! Exports of reports: each is requested first, is ready after a while, and has a file number and a token.

use std::time::Duration;

use crate::{
    reply::{Refusal, Report},
    scan::{ScanId, ServerTime},
};

/// The two ways to refer to an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportKey {
    File(ScanId, u64),
    Token(String),
}

/// The outcome of an export.
#[derive(Clone, Debug)]
pub enum Outcome {
    Ready(Report),
    Failed,
}

#[derive(Debug)]
pub struct Export {
    pub scan: ScanId,
    pub file: u64,
    pub token: String,
    pub requested: ServerTime,
    pub outcome: Outcome,
}

impl Export {
    pub fn has_key(&self, key: &ExportKey) -> bool {
        match key {
            ExportKey::File(scan, file) => (self.scan, self.file) == (*scan, *file),
            ExportKey::Token(token) => self.token == *token,
        }
    }

    pub fn state(&self, duration: Duration, now: ServerTime) -> &'static str {
        match self.outcome {
            _ if now < self.requested + duration => "loading",
            Outcome::Ready(_) => "ready",
            Outcome::Failed => "error",
        }
    }

    pub fn report(&self, duration: Duration, now: ServerTime) -> Result<Report, Refusal> {
        match &self.outcome {
            Outcome::Ready(report) if now >= self.requested + duration => Ok(report.clone()),
            Outcome::Ready(_) => Err(Refusal::conflict("The export is not ready")),
            Outcome::Failed => Err(Refusal::NOT_FOUND),
        }
    }
}
