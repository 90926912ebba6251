//! The findings of a scan: as JSON lines, page by page, or as a file.

use std::{
    fs::File,
    io::{self, BufWriter, Seek as _},
    sync::Arc,
};

use scanhost_domain::{
    ids::{ProfileName, TraceId},
    page::PageRequest,
    scan::Scan,
};
use scanhost_results::{
    FindingsPage, Report,
    export::{self, ExportError, FileFormat},
    jsonl::{ScanMetadata, WriteError},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::{
    address::Address,
    answer::{Choice, Question, prepare},
    find,
    host::Host,
    housekeeping::accessed,
    refusal::Refusal,
    reports::{self, Unusable, permit_results},
    snapshot::{
        Snapshot,
        named::{find_profile, permit_profile},
    },
};

/// Bytes of filters, which stand in the answer again.
const MAX_FILTERS: usize = 16 << 10;

/// The profile of callers who name none, if the scan was submitted without one.
const DEFAULT_PROFILE: &str = "brief";

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// id of the scan, from run_…_scan or list_scans
    pub task_id: String,
    /// from 1; 0 for all records at once
    #[serde(default = "first_page")]
    pub page: i64,
    /// records per page; values outside 10 to 100 are clamped
    #[serde(default = "usual_page_size")]
    pub page_size: i64,
    /// records to skip at the start of the page; a truncated answer gives the number
    #[serde(default)]
    pub skip: i64,
    /// which fields to show: minimal, summary, brief, full, triage (one row per vulnerability, what to fix first on top) or another from list_profiles; default: that of the scan, else brief
    #[serde(default)]
    pub schema_profile: Option<String>,
    /// fields in an order of your choice, instead of schema_profile, such as host, port, protocol, plugin_id, plugin_name, plugin_family, severity, cve, cvss_score, vpr_score, exploit_available, synopsis, solution, plugin_output
    #[serde(default)]
    pub custom_fields: Option<Vec<String>>,
    /// field: value pairs on any field, shown or not; all must match. Text: a substring or "=text"; number: ">7.0" or 9.8; severity: ">=High"; boolean: true or false; a list matches any of its values; "!" in front means not. A finding without the field never matches, not even "!" or false
    #[serde(default)]
    pub filters: Map<String, Json>,
}

impl Args {
    /// The first page of a scan's findings, under its own profile and without filters.
    pub fn first_page(task_id: String) -> Self {
        Self {
            task_id,
            page: first_page(),
            page_size: usual_page_size(),
            skip: 0,
            schema_profile: None,
            custom_fields: None,
            filters: Map::new(),
        }
    }
}

fn first_page() -> i64 {
    1
}

fn usual_page_size() -> i64 {
    40
}

/// The byte budget of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// The byte budget of a tool's answer, which an agent reads whole.
    Tool,
    /// The larger budget of a resource, also for one page.
    Resource,
}

/// A question about a scan, checked as far as it can be without the scan's findings.
struct CheckedQuestion {
    scan: Scan,
    snapshot: Arc<Snapshot>,
    question: Question,
}

/// Checks the arguments, and that the scan has findings.
async fn check_question(host: &Host, args: Args) -> Result<CheckedQuestion, Refusal> {
    let scan = find::scan(host, &args.task_id).await?;
    permit_results(&scan)?;
    accessed(host, &scan.id).await;
    let snapshot = host.snapshot.load_full();
    let page = PageRequest::parse(args.page, args.page_size, args.skip);
    let page = page.map_err(|error| {
        Refusal::invalid(error.to_string(), "Pages count from 1; page 0 returns all at once; skip counts from 0.")
    })?;
    let choice = match (args.schema_profile.as_deref(), args.custom_fields) {
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid(
                "custom_fields and schema_profile exclude each other",
                "Leave one of them out.",
            ));
        }
        (None, Some(fields)) => Choice::Fields(fields),
        (Some(name), None) => Choice::Profile(find_profile(&snapshot, name)?),
        (None, None) => {
            permit_profile(&snapshot, &scan.request)?;
            Choice::Profile(default_profile(&scan))
        }
    };
    if Json::Object(args.filters.clone()).to_string().len() > MAX_FILTERS {
        return Err(Refusal::invalid(
            format!("filters have more than {MAX_FILTERS} bytes"),
            "Use fewer or shorter values.",
        ));
    }
    Ok(CheckedQuestion { scan, snapshot, question: Question { page, choice, filters: args.filters } })
}

/// Returns the JSON lines and the scan's trace id.
pub async fn lines(host: &Arc<Host>, args: Args, kind: Budget) -> Result<(String, TraceId), Refusal> {
    let CheckedQuestion { scan, snapshot, question } = check_question(host, args).await?;
    let resource = resource(&scan, &question);
    let limits = &snapshot.config.limits;
    let is_roomy = question.page.is_all() || kind == Budget::Resource;
    let budget = if is_roomy { limits.all_bytes } else { limits.page_bytes };
    let answer = |report| {
        let (host, snapshot, question) = (host.clone(), snapshot.clone(), question.clone());
        let (metadata, resource) = (ScanMetadata::of(&scan), resource.clone());
        async move {
            let prepared = prepare(&snapshot, report, question).await?;
            let writing = host.tasks.spawn_blocking(move || {
                let mut out = Vec::new();
                prepared.write(&mut out, &metadata, Some(budget), Some(&resource)).map(|()| out)
            });
            let written = writing.await.map_err(|error| Refusal::internal("reading the findings", &error))?;
            written.map_err(|error| match error {
                WriteError::Report(error) => Unusable::from(error),
                WriteError::Shape(error) => Unusable::Refused(error.into()),
                other @ WriteError::Io(_) => Unusable::Refused(Refusal::internal("reading the findings", &other)),
            })
        }
    };
    let mut bytes = reports::ask(host, &scan, answer).await?;
    // Between lines, and not after the last.
    bytes.pop();
    let lines = String::from_utf8(bytes).map_err(|error| Refusal::internal("writing the findings", &error))?;
    Ok((lines, scan.trace))
}

/// The findings of one page as values, of at most the bytes that a client may fetch at once.
pub async fn page(host: &Arc<Host>, args: Args) -> Result<FindingsPage, Refusal> {
    let CheckedQuestion { scan, snapshot, question } = check_question(host, args).await?;
    let budget = snapshot.config.limits.all_bytes;
    let read = |report| {
        let (host, snapshot, question) = (host.clone(), snapshot.clone(), question.clone());
        async move {
            let prepared = prepare(&snapshot, report, question).await?;
            let reading = host.tasks.spawn_blocking(move || prepared.page::<Unusable>(budget));
            reading.await.map_err(|error| Refusal::internal("reading the findings", &error))?
        }
    };
    reports::ask(host, &scan, read).await
}

/// Returns all findings as a file without a name. The page and its size are ignored.
pub async fn export(host: &Arc<Host>, args: Args, format: FileFormat) -> Result<File, Refusal> {
    let CheckedQuestion { scan, snapshot, question } = check_question(host, Args { page: 0, ..args }).await?;
    let answer = |report| {
        let (host, snapshot, question) = (host.clone(), snapshot.clone(), question.clone());
        let metadata = ScanMetadata::of(&scan);
        async move {
            let prepared = prepare(&snapshot, report, question).await?;
            let data = host.data.clone();
            let writing = host.tasks.spawn_blocking(move || -> Result<File, ExportError> {
                let mut out = BufWriter::new(tempfile::tempfile_in(&data)?);
                export::write(&prepared, &metadata, format, &mut out)?;
                let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.rewind()?;
                Ok(file)
            });
            let written = writing.await.map_err(|error| Refusal::internal("writing the findings", &error))?;
            written.map_err(|error| match error {
                ExportError::Report(error) => Unusable::from(error),
                ExportError::Shape(error) => Unusable::Refused(error.into()),
                other @ (ExportError::Io(_)
                | ExportError::Csv(_)
                | ExportError::Parquet(_)
                | ExportError::Mistyped { .. }) => Unusable::Refused(Refusal::internal("writing the findings", &other)),
            })
        }
    };
    reports::ask(host, &scan, answer).await
}

/// Returns the field names that filters can use: those of this report, and those that are always known.
pub async fn field_names(host: &Arc<Host>, scan: &Scan) -> Result<Vec<String>, Refusal> {
    let names = |report: Arc<Report>| async move {
        Ok(report.columns().known_names().into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    reports::ask(host, scan, names).await
}

/// The profile of those who name none.
pub fn default_profile(scan: &Scan) -> ProfileName {
    let usual = || DEFAULT_PROFILE.parse().expect("a well formed name");
    scan.request.profile.clone().unwrap_or_else(usual)
}

/// Returns the address of the question. A truncated answer adds what to skip, so that it is the address of the rest.
fn resource(scan: &Scan, question: &Question) -> String {
    let mut asked = Map::new();
    asked.insert("page".into(), question.page.page().into());
    asked.insert("page_size".into(), question.page.page_size().into());
    match &question.choice {
        Choice::Profile(name) => asked.insert("schema_profile".into(), name.to_string().into()),
        Choice::Fields(names) => asked.insert("custom_fields".into(), names.clone().into()),
    };
    if !question.filters.is_empty() {
        asked.insert("filters".into(), question.filters.clone().into());
    }
    Address::Results(scan.id.clone(), asked).to_string()
}
