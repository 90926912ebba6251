//! Results as JSON-NL: one JSON object on each line, of which the first describes the others.

use std::io::{self, Write};

use jiff::Timestamp;
use scanhost_domain::{
    page::PageRequest,
    scan::{Scan, ScanState, SeverityCounts},
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::{
    error::ReportError,
    query::Selected,
    report::Report,
    rows::{self, Names, Shape, ShapeError},
    view::View,
};

/// The bytes that are reserved for the lines after the records of a truncated answer, without the address of the rest.
const CLOSING_BYTES: usize = 500;

/// What is known of the scan that made a report; all fields are absent for a file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ScanMetadata {
    pub task_id: Option<String>,
    pub scan_name: Option<String>,
    pub targets: Option<String>,
    pub scanner_pool: Option<String>,
    pub scanner_instance: Option<String>,
    pub backend: Option<String>,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}

impl ScanMetadata {
    /// The metadata of a scan that has ended; all absent for one that has not.
    pub fn of(scan: &Scan) -> Self {
        let ScanState::Finished(finished) = &scan.state else { return Self::default() };
        let run = finished.run.as_ref();
        Self {
            task_id: Some(scan.id.to_string()),
            scan_name: Some(scan.request.name.clone()),
            targets: Some(scan.request.targets.clone()),
            scanner_pool: Some(scan.request.pool.to_string()),
            scanner_instance: run.map(|run| run.slot.scanner.instance.to_string()),
            backend: run.map(|run| run.slot.backend.to_string()),
            started_at: run.map(|run| run.started_at),
            completed_at: Some(finished.completed_at),
        }
    }
}

/// Why an answer could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("the answer cannot be written")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// How an answer is written.
pub struct WriteOptions<'a> {
    pub metadata: &'a ScanMetadata,
    /// The most bytes that the answer may have; none on the command line.
    pub budget: Option<usize>,
    /// The address of the resource that has the rest, for a truncated answer.
    pub resource: Option<&'a str>,
    pub shape: Option<Shape<'a>>,
}

/// Writes all lines of an answer.
///
/// An answer over its budget ends after a record, with a line that says so and how to go on. It has at least one record,
/// however large, so that going on always makes progress.
pub fn write(
    out: &mut impl Write,
    report: &Report,
    view: &View,
    selected: &Selected<'_>,
    options: &WriteOptions<'_>,
) -> Result<(), WriteError> {
    let mut out = Counted { out, written: 0 };
    let (total, page) = (selected.total(), selected.page());
    out.line(&schema_line(view, total, page.total_pages(total)))?;
    out.line(&metadata_line(report, options.metadata))?;
    let asked = page.records(total);
    let asked = asked.end - asked.start;
    let mut returned = 0;
    let closing = CLOSING_BYTES + options.resource.map_or(0, str::len);
    let budget = options.budget.map(|budget| budget.saturating_sub(closing));
    let names = Names::of_line(view.fields());
    rows::each(selected, view, options.shape, |row| -> Result<bool, WriteError> {
        let line = names.after("{\"type\":\"vulnerability\"", ",", row);
        let is_over = budget.is_some_and(|budget| out.written + line.len() + 1 > budget);
        if is_over && returned > 0 {
            return Ok(false);
        }
        out.raw(&line)?;
        returned += 1;
        Ok(true)
    })?;
    if returned < asked {
        out.line(&truncated_line(page, returned, asked - returned, options.resource))?;
    }
    if !page.is_all() {
        let next = page.next_page(total);
        out.line(&json!({
            "type": "pagination", "page": page.page(), "page_size": page.page_size(),
            "total_pages": page.total_pages(total), "has_next": next.is_some(), "next_page": next,
        }))?;
    }
    out.out.flush()?;
    Ok(())
}

fn schema_line(view: &View, total: u64, total_pages: u64) -> Json {
    let names: Vec<&str> = view.fields().iter().map(|field| field.name.as_str()).collect();
    let types: Map<String, Json> =
        view.fields().iter().map(|field| (field.name.clone(), Json::from(field.field_type.name()))).collect();
    json!({
        "type": "schema", "profile": view.profile, "fields": names, "field_types": types,
        "filters_applied": view.filters_applied, "total_vulnerabilities": total, "total_pages": total_pages,
    })
}

fn metadata_line(report: &Report, metadata: &ScanMetadata) -> Json {
    let summary = report.meta().summary();
    let mut line = Map::from_iter([("type".to_owned(), Json::from("scan_metadata"))]);
    if let Ok(Json::Object(known)) = serde_json::to_value(metadata) {
        line.extend(known);
    }
    line.insert("hosts_scanned".into(), summary.hosts_scanned.into());
    line.insert("severity_counts".into(), counts(summary.severity_counts));
    line.insert("authentication_status".into(), summary.authentication.name().into());
    Json::Object(line)
}

/// The number of findings for each severity, in the form of all answers.
pub fn counts(counts: SeverityCounts) -> Json {
    json!({
        "critical": counts.critical, "high": counts.high, "medium": counts.medium, "low": counts.low,
        "info": counts.info,
    })
}

fn truncated_line(page: PageRequest, returned: u64, remaining: u64, resource: Option<&str>) -> Json {
    let resume = page.resume_after(returned);
    json!({
        "type": "truncated", "returned": returned, "remaining": remaining,
        "resume": { "page": resume.page(), "page_size": resume.page_size(), "skip": resume.skip() },
        "resource": resource.map(|resource| format!("{resource}&skip={}", resume.skip())),
    })
}

/// Counts the bytes that were written.
struct Counted<'a, W> {
    out: &'a mut W,
    written: usize,
}

impl<W: Write> Counted<'_, W> {
    fn line(&mut self, line: &Json) -> io::Result<()> {
        self.raw(&line.to_string())
    }

    fn raw(&mut self, line: &str) -> io::Result<()> {
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")?;
        self.written += line.len() + 1;
        Ok(())
    }
}
