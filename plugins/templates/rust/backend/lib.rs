//! A backend for scanhost. Its scanner is fictional: change paths, JSON and report to those of your scanner.
//!
//! Every call runs in a new instance with empty memory: put what a later call needs into the state.

use std::collections::BTreeSet;

use scanhost_sdk::{
    backend::{
        reader::{self, Authentication, ParseError, ReportInfo},
        report,
        scanner::{
            self, Context, Description, ExportStep, ListedScan, RemoteScan, RemoteState, ScanError, ScanRequest,
            ScanStatus, ScanType, ScannerHealth,
        },
    },
    findings::Findings,
    requests::Request,
};
use serde::Deserialize;
use serde_json::json;

struct Plugin;

impl scanner::Guest for Plugin {
    fn describe() -> Description {
        Description {
            name: "@NAME@".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            report_extension: "csv".to_owned(),
            state_version: 1,
            resumable: true,
            scan_types: vec![ScanType::Untrusted],
            auth: Vec::new(),
            fields: Vec::new(),
        }
    }

    fn create(context: Context, request: ScanRequest) -> Result<RemoteScan, ScanError> {
        #[derive(Deserialize)]
        struct Created {
            id: String,
        }
        let name = format!("{} [{} {}]", request.name, context.installation, request.task_id);
        let body = json!({ "name": name, "targets": request.targets.join(",") });
        let Created { id } = Request::post("create the scan", "/scans").json(&body).send()?.accept()?.json()?;
        Ok(RemoteScan { id, state: Vec::new() })
    }

    fn find(context: Context, task_id: String) -> Result<Option<RemoteScan>, ScanError> {
        let found = Self::list_scans(context)?.into_iter().find(|scan| scan.task_id == task_id);
        Ok(found.map(|scan| RemoteScan { id: scan.id, state: Vec::new() }))
    }

    fn list_scans(context: Context) -> Result<Vec<ListedScan>, ScanError> {
        #[derive(Deserialize)]
        struct List {
            scans: Vec<Scan>,
        }
        #[derive(Deserialize)]
        struct Scan {
            id: String,
            name: String,
            #[serde(default)]
            state: String,
        }
        let List { scans } = Request::get("list the scans", "/scans").send()?.accept()?.json()?;
        let of_this_installation = scans.into_iter().filter_map(|scan| {
            let (_, marker) = scan.name.strip_suffix(']')?.rsplit_once('[')?;
            let (installation, task_id) = marker.split_once(' ')?;
            let is_running = !matches!(scan.state.as_str(), "done" | "failed");
            let task_id = task_id.to_owned();
            (installation == context.installation).then_some(ListedScan { id: scan.id, task_id, is_running })
        });
        Ok(of_this_installation.collect())
    }

    fn launch(context: Context, id: String) -> Result<Vec<u8>, ScanError> {
        let answer = Request::post("launch the scan", path(&id, "/launch")?).json(&json!({})).send()?;
        answer.accept_or(|answer| (answer.status == 409).then_some(ScanError::AlreadyRunning))?;
        Ok(context.state)
    }

    fn status(context: Context, id: String) -> Result<ScanStatus, ScanError> {
        #[derive(Deserialize)]
        struct Status {
            state: String,
            #[serde(default)]
            percent: u8,
        }
        let answer = Request::get("read the scan's status", path(&id, "")?).send()?.accept()?;
        let Status { state, percent } = answer.json()?;
        let state = match state.as_str() {
            "new" => RemoteState::Created,
            "done" => RemoteState::Completed,
            "failed" => RemoteState::Failed("the scan failed at the scanner".to_owned()),
            _ => RemoteState::Running(percent.min(99)),
        };
        Ok(ScanStatus { state, next_state: context.state })
    }

    fn stop(_: Context, id: String) -> Result<(), ScanError> {
        let answer = Request::post("stop the scan", path(&id, "/stop")?).json(&json!({})).send()?;
        // 409: the scan has already ended.
        if answer.status == 409 { Ok(()) } else { answer.accept().map(drop) }
    }

    fn remove(_: Context, id: String) -> Result<(), ScanError> {
        let answer = Request::delete("delete the scan", path(&id, "")?).send()?;
        if answer.status == 404 { Ok(()) } else { answer.accept().map(drop) }
    }

    fn export_report(_: Context, id: String, _cursor: Option<String>) -> Result<ExportStep, ScanError> {
        Request::get("download the report", path(&id, "/report")?).download()?.answer.accept()?;
        Ok(ExportStep::Done)
    }

    fn health(_: Context) -> Result<ScannerHealth, ScanError> {
        Request::get("check the scanner", "/ready").send()?.accept()?;
        Ok(ScannerHealth { ready: true, message: "the scanner answers".to_owned() })
    }
}

/// Builds the path of a scan. Ids come from the scanner, so one that is not safe in a path is refused.
fn path(id: &str, rest: &str) -> Result<String, ScanError> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(ScanError::NotFound("the scan's id is not valid for this scanner".to_owned()));
    }
    Ok(format!("/scans/{id}{rest}"))
}

impl reader::Guest for Plugin {
    /// The report has lines of `host,port,severity,name`. Only the last line that was read may be incomplete.
    fn parse(_: Option<ScanType>) -> Result<ReportInfo, ParseError> {
        let error = |message| ParseError { message, offset: 0 };
        let (mut findings, mut hosts, mut rest) = (Findings::new(), BTreeSet::new(), Vec::new());
        loop {
            let piece = report::read(1 << 20).map_err(error)?;
            rest.extend_from_slice(&piece);
            let whole = match rest.iter().rposition(|byte| *byte == b'\n') {
                _ if piece.is_empty() => rest.len(),
                Some(end) => end + 1,
                None => 0,
            };
            for line in String::from_utf8_lossy(&rest[..whole]).lines().filter(|line| !line.is_empty()) {
                findings.begin_finding().map_err(error)?;
                for (field, value) in ["host", "port", "severity", "plugin_name"].into_iter().zip(line.split(',')) {
                    findings.cell(field, value);
                }
                hosts.extend(line.split(',').next().map(str::to_owned));
            }
            rest.drain(..whole);
            if piece.is_empty() {
                break;
            }
        }
        findings.finish().map_err(error)?;
        let hosts = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
        let authentication = Authentication::NotApplicable;
        Ok(ReportInfo { name: None, targets: None, hosts, authentication, warnings: Vec::new() })
    }
}

scanhost_sdk::export_backend!(Plugin);
