//! Reads a native report through its backend's parser into columns. The one way from a report to its findings.

use std::{panic::resume_unwind, path::Path, thread};

use scanhost_domain::{request::ScanType, scan::Summary};
use scanhost_sandbox::{Backend, Fault, ParseFailure, capability::LogSink};
use tokio::runtime::Handle;

use super::{FindingsWriter, ReportError, report_file::ReportFile};

/// A report that was not read.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error("the report's file cannot be used")]
    Report(#[source] std::io::Error),
    #[error(transparent)]
    Findings(#[from] ReportError),
    /// What is wrong with the report.
    #[error("{0}")]
    Malformed(ParseFailure),
    #[error("the backend failed: {0}")]
    Backend(Fault),
}

/// How far a report that is read in the background stands back: others get about ten times its share of a core.
const NICENESS: i32 = 10;

/// [`ingest`] on a thread of its own that lets all others go first: nobody waits for it as for a page. This thread waits.
///
/// # Errors
/// As for `ingest`.
pub fn ingest_in_background(
    backend: &Backend,
    report: &Path,
    folder: &Path,
    scan_type: Option<ScanType>,
    log: Option<Box<dyn LogSink>>,
) -> Result<Summary, IngestError> {
    let (runtime, span) = (Handle::current(), tracing::Span::current());
    let read = move || {
        let (_runtime, _span) = (runtime.enter(), span.enter());
        // Of this thread alone, which has no other work: niceness cannot be taken back.
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "a report is read without standing back");
        }
        ingest(backend, report, folder, scan_type, log)
    };
    thread::scope(|scope| {
        let reading = thread::Builder::new().name("ingest".into()).spawn_scoped(scope, read);
        reading.map_err(IngestError::Report)?.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Reads the report into `folder`, and replaces what is there once it was read whole. It keeps a core busy for as long as
/// that takes: call it where blocking is allowed, inside the runtime.
///
/// # Errors
/// When the report cannot be read or the findings cannot be written.
pub fn ingest(
    backend: &Backend,
    report: &Path,
    folder: &Path,
    scan_type: Option<ScanType>,
    log: Option<Box<dyn LogSink>>,
) -> Result<Summary, IngestError> {
    let (report, size) = ReportFile::open(report).map_err(IngestError::Report)?;
    let writer = FindingsWriter::create(folder, backend.description())?;
    let parse = backend.parse(report, size, writer.sink(), log, scan_type);
    let info = Handle::current().block_on(parse).map_err(IngestError::Backend)?;
    let info = info.map_err(IngestError::Malformed)?;
    Ok(writer.finish(backend.description().name.as_str(), info)?)
}
