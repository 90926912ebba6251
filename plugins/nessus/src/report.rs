//! Reads a report in the NessusClientData_v2 format, piece by piece, in memory that does not grow with the report.
//!
//! Nothing here knows where the bytes come from or where the findings go: see [`Chunks`] and [`Sink`].
//! Typing, joining of repeated values and lists are the host's work: every value is handed over as trimmed text.

mod attributes;
mod authentication;
mod batch;
mod collector;
mod document;
mod encoding;
mod fields;
mod host;
mod input;
mod item;
mod text;

#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, io};

use scanhost_sdk::backend::{findings::Batch, reader::Warning};

pub use self::authentication::Evidence;
use self::document::Document;

/// Where the bytes of the report come from.
pub trait Chunks {
    /// The next bytes, as many as is handy; none at the end. An error is one line for an operator.
    fn next_chunk(&mut self) -> Result<Vec<u8>, String>;
}

/// Where the findings go.
pub trait Sink {
    /// Takes a batch that keeps the rules of `findings.emit`. An error is one line for an operator.
    fn emit(&mut self, batch: &Batch) -> Result<(), String>;
}

/// What a report says beside its findings.
#[derive(Debug, Default)]
pub struct Summary {
    /// The name of the first `Report` that has one.
    pub name: Option<String>,
    /// The preference `TARGET` of the policy.
    pub targets: Option<String>,
    /// All hosts, with or without findings.
    pub hosts: u32,
    pub findings: u64,
    pub evidence: Evidence,
    pub warnings: Vec<Warning>,
}

/// Why a report cannot be read. The message is one line and holds nothing that stands in the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub message: Cow<'static, str>,
    /// In bytes from the start of the file.
    pub offset: u64,
}

/// Reads the whole report. Findings that were found before an error have been handed over.
pub fn read(chunks: impl Chunks, sink: &mut impl Sink) -> Result<Summary, Malformed> {
    Document::new(chunks, sink).read()
}

impl Malformed {
    fn new(message: impl Into<Cow<'static, str>>, offset: u64) -> Self {
        Self { message: message.into(), offset }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.message, self.offset)
    }
}

impl std::error::Error for Malformed {}

/// The way of an error of [`input::Input`] through the XML reader, which knows only I/O errors.
impl From<Malformed> for io::Error {
    fn from(malformed: Malformed) -> Self {
        io::Error::other(malformed)
    }
}

impl From<&io::Error> for Malformed {
    fn from(error: &io::Error) -> Self {
        let malformed = error.get_ref().and_then(|inner| inner.downcast_ref::<Malformed>());
        malformed.cloned().unwrap_or_else(|| Malformed::new("the report cannot be read", 0))
    }
}
