//! Reads a native report into columns, through its backend's parser. This is the only way from a report to its findings.

use std::{panic::resume_unwind, path::Path, thread};

use scanhost_domain::{request::ScanType, scan::Summary};
use scanhost_sandbox::{Backend, Fault, ParseFailure, capability::LogSink};
use tokio::runtime::Handle;

use super::{FindingsWriter, ReportError, report_file::ReportFile};

/// Why a report could not be read.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error("the report file cannot be opened")]
    Report(#[source] std::io::Error),
    #[error(transparent)]
    Findings(#[from] ReportError),
    /// The report is malformed.
    #[error("{0}")]
    Malformed(ParseFailure),
    #[error("the backend failed: {0}")]
    Backend(Fault),
}

/// The niceness of a thread that reads a report in the background: other threads get about ten times its share of a core.
const NICENESS: i32 = 10;

/// Runs [`ingest`] on a thread of low priority, since no caller waits for it as for a page. Blocks until it is done.
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
        // Niceness cannot be lowered again, so it is set only on this thread, which has no other work.
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "the priority of the thread that reads a report could not be lowered");
        }
        ingest(backend, report, folder, scan_type, log)
    };
    thread::scope(|scope| {
        let reading = thread::Builder::new().name("ingest".into()).spawn_scoped(scope, read);
        reading.map_err(IngestError::Report)?.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Reads the report into `folder`, and replaces the findings there once all of it was read. This keeps a core busy: call
/// it where blocking is allowed, inside the runtime.
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
