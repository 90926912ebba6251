//! Reads a report in the NessusClientData_v2 format, piece by piece, in memory that does not grow with the report.
//!
//! The reader does not know where the bytes come from or where the findings go: see [`Chunks`] and [`Sink`].
//! The host converts types, joins repeated values and builds lists: every value is handed over as trimmed text.

mod authentication;
mod batch;
mod collector;
mod document;
mod fields;
mod host;
mod item;

#[cfg(test)]
mod tests;

use scanhost_sdk::backend::{findings::Batch, reader::Warning};

pub use scanhost_sdk::xml::{Chunks, Malformed};

pub use self::authentication::Evidence;

/// The destination of the findings.
pub trait Sink {
    /// Takes a batch that follows the rules of `findings.emit`. An error is one line for an operator.
    fn emit(&mut self, batch: &Batch) -> Result<(), String>;
}

/// What a report says apart from its findings.
#[derive(Debug, Default)]
pub struct Summary {
    /// The name of the first `Report` that has one.
    pub name: Option<String>,
    /// The preference `TARGET` of the policy.
    pub targets: Option<String>,
    /// The number of hosts, with or without findings.
    pub hosts: u32,
    pub findings: u64,
    pub evidence: Evidence,
    pub warnings: Vec<Warning>,
}

/// Reads the whole report. Findings before an error may already have been handed over.
pub fn read(chunks: impl Chunks, sink: &mut impl Sink) -> Result<Summary, Malformed> {
    document::read(chunks, sink)
}
