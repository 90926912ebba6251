//! The export `reader` of the component: connects [`crate::report`] to the host's report file and findings.

use scanhost_sdk::backend::{findings, reader, report as report_file, types::ScanType};

use crate::report::{self, Chunks, Sink};

/// How many bytes of the report are read at once.
const CHUNK: u32 = 256 * 1024;

/// Reads the whole report of this call.
pub fn parse(scan_type: Option<ScanType>) -> Result<reader::ReportInfo, reader::ParseError> {
    let summary = report::read(ReportFile, &mut Findings).map_err(|malformed| reader::ParseError {
        message: malformed.message.into_owned(),
        offset: malformed.offset,
    })?;
    Ok(reader::ReportInfo {
        authentication: summary.evidence.verdict(scan_type),
        name: summary.name,
        targets: summary.targets,
        hosts: summary.hosts,
        warnings: summary.warnings,
    })
}

struct ReportFile;

impl Chunks for ReportFile {
    fn next_chunk(&mut self) -> Result<Vec<u8>, String> {
        report_file::read(CHUNK)
    }
}

struct Findings;

impl Sink for Findings {
    fn emit(&mut self, batch: &findings::Batch) -> Result<(), String> {
        findings::emit(batch)
    }
}
