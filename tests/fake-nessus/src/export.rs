//! Exports: a scan's report, asked for first, ready a while later, known by a file number and by a token.

use std::time::Duration;

use crate::{
    reply::{Refusal, Report},
    scan::{Moment, ScanId},
};

/// The two ways to name an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportKey {
    File(ScanId, u64),
    Token(String),
}

/// How an export ends.
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
    pub requested: Moment,
    pub outcome: Outcome,
}

impl Export {
    pub fn is(&self, key: &ExportKey) -> bool {
        match key {
            ExportKey::File(scan, file) => (self.scan, self.file) == (*scan, *file),
            ExportKey::Token(token) => self.token == *token,
        }
    }

    pub fn state(&self, takes: Duration, now: Moment) -> &'static str {
        match self.outcome {
            _ if now < self.requested + takes => "loading",
            Outcome::Ready(_) => "ready",
            Outcome::Failed => "error",
        }
    }

    pub fn report(&self, takes: Duration, now: Moment) -> Result<Report, Refusal> {
        match &self.outcome {
            Outcome::Ready(report) if now >= self.requested + takes => Ok(report.clone()),
            Outcome::Ready(_) => Err(Refusal::conflict("The export is not ready")),
            Outcome::Failed => Err(Refusal::NOT_FOUND),
        }
    }
}
