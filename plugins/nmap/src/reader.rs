//! The export `reader` of the component: connects [`crate::report`] to the host's report file and findings.

use scanhost_sdk::{
    backend::{
        reader::{Authentication, ParseError, ReportInfo, Warning},
        report as report_file,
        types::ScanType,
    },
    findings::Findings,
    xml::Chunks,
};

use crate::report::{self, Summary};

/// How many bytes of the report are read at once.
const CHUNK: u32 = 256 * 1024;

pub fn parse(scan_type: Option<ScanType>) -> Result<ReportInfo, ParseError> {
    let summary = report::read(ReportFile, Findings::new())
        .map_err(|malformed| ParseError { message: malformed.message.into_owned(), offset: malformed.offset })?;
    Ok(info(summary, scan_type))
}

pub fn info(summary: Summary, scan_type: Option<ScanType>) -> ReportInfo {
    let mut warnings = summary.warnings();
    if matches!(scan_type, Some(ScanType::Trusted | ScanType::Privileged)) {
        let message =
            "nmap never logs in: the credentials were not used, and findings are what can be seen without them";
        warnings.push(Warning { code: "no_login".to_owned(), message: message.to_owned() });
    }
    let authentication = Authentication::NotApplicable;
    ReportInfo { name: None, targets: None, hosts: summary.hosts_up, authentication, warnings }
}

struct ReportFile;

impl Chunks for ReportFile {
    fn next_chunk(&mut self) -> Result<Vec<u8>, String> {
        report_file::read(CHUNK)
    }
}
