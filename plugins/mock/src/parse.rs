//! Reads a report (see [`crate::line`]) line by line and hands its findings to the host.

use scanhost_sdk::{
    backend::{
        reader::{Authentication, ParseError, ReportInfo},
        scanner::ScanType,
    },
    findings::Findings,
};
use serde_json::{Deserializer, error::Category};

use crate::line::{FORMAT, Header, Kind, VERSION};
use fields::Line;
use lines::Lines;

mod fields;
mod lines;
#[cfg(test)]
mod tests;

/// Reads the whole report. `read` returns the next bytes, at most as many as its argument says, and none at the end.
pub fn parse(
    scan_type: Option<ScanType>,
    read: impl FnMut(u32) -> Result<Vec<u8>, String>,
    mut findings: Findings<'_>,
) -> Result<ReportInfo, ParseError> {
    let mut lines = Lines::new(read);
    let header = header(&mut lines)?;
    let (mut hosts, mut found) = (0, 0);
    while let Some((offset, line)) = lines.next()? {
        match read_line(line, offset, &mut findings)? {
            Kind::Host => hosts += 1,
            Kind::Finding => found += 1,
        }
    }
    let end = lines.offset();
    if (hosts, found) != (header.hosts, header.findings) {
        return Err(error(end, "the numbers of hosts and findings differ from those in the header"));
    }
    findings.finish().map_err(|refusal| refused(end, &refusal))?;
    let authentication = match scan_type {
        Some(ScanType::Untrusted) => Authentication::NotApplicable,
        Some(ScanType::Trusted | ScanType::Privileged) | None => header.authentication.into(),
    };
    Ok(ReportInfo {
        name: header.name.map(|name| name.into_owned()),
        targets: Some(header.targets.join(",")),
        hosts,
        authentication,
        warnings: Vec::new(),
    })
}

fn header<R: FnMut(u32) -> Result<Vec<u8>, String>>(lines: &mut Lines<R>) -> Result<Header<'static>, ParseError> {
    let Some((offset, line)) = lines.next()? else { return Err(error(0, "the report is empty")) };
    let header: Header<'static> = serde_json::from_slice(line)
        .map_err(|problem| locate(offset, line, &problem, "the first line is not the header of a mock report"))?;
    if header.format != FORMAT {
        return Err(error(offset, "the header names another format"));
    }
    if header.version != VERSION {
        return Err(error(offset, "the header has a version that this backend does not know"));
    }
    Ok(header)
}

fn read_line(line: &[u8], offset: u64, findings: &mut Findings<'_>) -> Result<Kind, ParseError> {
    let mut refusal = None;
    let mut json = Deserializer::from_slice(line);
    let kind = Line { findings, refusal: &mut refusal }.read(&mut json).and_then(|kind| json.end().map(|()| kind));
    kind.map_err(|problem| match refusal {
        Some(refusal) => refused(offset, &refusal),
        None => locate(offset, line, &problem, "the line is neither a host nor a finding"),
    })
}

/// Builds the error of a line, with its offset in the file. `otherwise` is the message for JSON of another form.
fn locate(offset: u64, line: &[u8], problem: &serde_json::Error, otherwise: &str) -> ParseError {
    let before = problem.column().saturating_sub(1) as u64;
    match problem.classify() {
        Category::Eof => error(offset + line.len() as u64, "the line ends in the middle of a JSON value"),
        Category::Syntax | Category::Io => error(offset + before, "the line is not JSON"),
        Category::Data => error(offset + before, otherwise),
    }
}

fn refused(offset: u64, refusal: &str) -> ParseError {
    error(offset, &format!("the host refused the findings: {refusal}"))
}

fn error(offset: u64, message: &str) -> ParseError {
    ParseError { message: message.to_owned(), offset }
}
