//! A backend for an invented scanner, correct except for one fault.
//!
//! The name of the fault is in the component's bytes, where tests replace it: so one build gives a component for each
//! fault. `FAULTS` in the tests of the conformance kit says which case each fault has to fail.

use std::hash::{BuildHasher as _, RandomState};

use scanhost_sdk::{
    backend::{
        http::{self, Method},
        log,
        reader::{self, Authentication, ParseError, ReportInfo},
        report,
        scanner::{
            self, Context, Description, ExportStep, Field, FieldType, ListedScan, LoginSecret, RemoteScan, RemoteState,
            ScanError, ScanRequest, ScanStatus, ScanType, ScannerHealth,
        },
    },
    findings::Findings,
    requests::{Answer, Request},
};
use serde::{Deserialize, Serialize};

/// The name of the fault, padded with dots to the length of the longest name.
static FAULT: [u8; 22] = *b"fault=none............";

fn has(fault: &str) -> bool {
    let bytes = std::hint::black_box(&FAULT);
    let name = bytes["fault=".len()..].split(|byte| *byte == b'.').next();
    name == Some(fault.as_bytes())
}

#[derive(Deserialize)]
struct ScanList {
    scans: Vec<ListEntry>,
}

#[derive(Deserialize)]
struct ListEntry {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct ScannerStatus {
    state: String,
    #[serde(default)]
    percent: u8,
}

#[derive(Serialize)]
struct CreateBody {
    name: String,
    targets: String,
    password: Option<String>,
}

#[derive(Serialize)]
struct EmptyBody {}

/// Lists the remote scans of this installation, each as its id and its task id.
fn list(context: &Context) -> Result<Vec<(String, String)>, ScanError> {
    let ScanList { scans } = accept(Request::get("list the scans", "/scans").send()?)?.json()?;
    let ours = scans.into_iter().filter_map(|scan| {
        let (_, marker) = scan.name.strip_suffix(']')?.rsplit_once('[')?;
        let (installation, task) = marker.split_once(' ')?;
        (has("grabber") || installation == context.installation).then(|| (scan.id, task.to_owned()))
    });
    Ok(ours.collect())
}

fn accept(answer: Answer) -> Result<Answer, ScanError> {
    if has("fragile") && answer.body.starts_with(b"<") {
        panic!("this is no JSON");
    }
    if has("hammer") && answer.status == 503 {
        for _ in 0..30 {
            Request::get("check the scanner", "/ready").send()?;
        }
    }
    answer.accept_or(|answer| match answer.status {
        429 if has("deaf") => Some(ScanError::RateLimited(None)),
        503 if has("quitter") => Some(ScanError::Invalid("the scanner is down".to_owned())),
        418 if has("parrot") => Some(ScanError::Internal(String::from_utf8_lossy(&answer.body).into_owned())),
        _ => None,
    })
}

struct Faulty;

impl scanner::Guest for Faulty {
    fn describe() -> Description {
        assert!(!has("speechless"), "it has no words");
        let description = if has("mumbler") { "" } else { "how certain the scanner is, in words" };
        let certainty =
            Field { name: "certainty".to_owned(), type_: FieldType::Text, description: description.to_owned() };
        Description {
            name: "lab".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            report_extension: "csv".to_owned(),
            state_version: 1,
            resumable: true,
            scan_types: vec![ScanType::Untrusted, ScanType::Trusted],
            auth: Vec::new(),
            fields: vec![certainty],
        }
    }

    fn create(context: Context, request: ScanRequest) -> Result<RemoteScan, ScanError> {
        let password = request.credential.map(|credential| match credential.secret {
            LoginSecret::Password(placeholder) => placeholder,
            LoginSecret::PrivateKey(key) => key.key,
        });
        let targets = if has("aimless") { String::new() } else { request.targets.join(",") };
        let mut state = Vec::new();
        if has("hoarder") {
            state = targets.clone().into_bytes();
        }
        if has("leaky") {
            state = password.clone().unwrap_or_default().into_bytes();
        }
        let name = format!("{} [{} {}]", request.name, context.installation, request.task_id);
        #[derive(Deserialize)]
        struct Created {
            id: String,
        }
        let body = CreateBody { name, targets, password };
        let answer = Request::post("create the scan", "/scans").json(&body).send()?;
        let Created { id } = accept(answer)?.json()?;
        Ok(RemoteScan { id, state })
    }

    fn find(context: Context, task_id: String) -> Result<Option<RemoteScan>, ScanError> {
        let found = list(&context)?.into_iter().find(|(_, task)| has("greedy") || *task == task_id);
        let found = found.filter(|_| !has("forgetful"));
        Ok(found.map(|(id, _)| RemoteScan { id, state: Vec::new() }))
    }

    fn list_scans(context: Context) -> Result<Vec<ListedScan>, ScanError> {
        let scans = list(&context)?.into_iter();
        Ok(scans.map(|(id, task_id)| ListedScan { id, task_id, is_running: !has("sleepy") }).collect())
    }

    fn launch(context: Context, id: String) -> Result<Vec<u8>, ScanError> {
        let answer = Request::post("launch the scan", path(&id, "/launch")?).json(&EmptyBody {}).send()?;
        if answer.status == 409 && !has("stubborn") {
            return Err(ScanError::AlreadyRunning);
        }
        accept(answer)?;
        Ok(context.state)
    }

    fn status(context: Context, id: String) -> Result<ScanStatus, ScanError> {
        let status: ScannerStatus = accept(Request::get("read the scan's status", path(&id, "")?).send()?)?.json()?;
        let state = match status.state.as_str() {
            "new" => RemoteState::Created,
            "done" => RemoteState::Completed,
            "failed" => RemoteState::Failed("the scanner gave up the scan".to_owned()),
            _ if has("boaster") => RemoteState::Running(status.percent + 100),
            _ => RemoteState::Running(status.percent),
        };
        Ok(ScanStatus { state, next_state: context.state })
    }

    fn stop(_context: Context, id: String) -> Result<(), ScanError> {
        let answer = Request::post("stop the scan", path(&id, "/stop")?).json(&EmptyBody {}).send()?;
        if answer.status == 409 { Ok(()) } else { accept(answer).map(drop) }
    }

    fn remove(_context: Context, id: String) -> Result<(), ScanError> {
        let answer = Request::delete("delete the scan", path(&id, "")?).send()?;
        if answer.status == 404 { Ok(()) } else { accept(answer).map(drop) }
    }

    fn export_report(_context: Context, id: String, _cursor: Option<String>) -> Result<ExportStep, ScanError> {
        accept(Request::get("download the report", path(&id, "/report")?).download()?.answer)?;
        Ok(ExportStep::Done)
    }

    fn health(_context: Context) -> Result<ScannerHealth, ScanError> {
        if has("wanderer") {
            let path = "//elsewhere.example/".to_owned();
            let outcome = http::send(&http::Request { method: Method::Get, path, headers: Vec::new(), body: None });
            log::write(
                log::Level::Debug,
                if outcome.is_ok() { "the request was sent" } else { "the request was not sent" },
            );
        }
        accept(Request::get("check the scanner", "/ready").send()?)?;
        let number = if has("moody") { RandomState::new().hash_one(7) } else { 7 };
        Ok(ScannerHealth { ready: true, message: format!("ready, {number}") })
    }
}

/// Returns a path of this remote scan. The id comes from the scanner, so it may contain characters that a path may not.
fn path(id: &str, suffix: &str) -> Result<String, ScanError> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(ScanError::NotFound("this is not an id of this scanner".to_owned()));
    }
    Ok(format!("/scans/{id}{suffix}"))
}

impl reader::Guest for Faulty {
    fn parse(_scan_type: Option<ScanType>) -> Result<ReportInfo, ParseError> {
        let error = |message| ParseError { message, offset: 0 };
        let mut text = Vec::new();
        loop {
            let mut piece = report::read(1 << 20).map_err(error)?;
            if piece.is_empty() {
                break;
            }
            if has("chunky") && !text.is_empty() && !text.ends_with(b"\n") {
                text.push(b'\n');
            }
            text.append(&mut piece);
        }
        assert!(!has("rigid") || text.windows(4).any(|part| part == b"host"), "the report has no host");
        assert!(!has("brittle") || text != b"boom", "this goes boom");
        let (mut findings, mut hosts) = (Findings::new(), std::collections::BTreeSet::new());
        for (number, line) in String::from_utf8_lossy(&text).lines().enumerate() {
            if has("crawler") {
                std::hint::black_box((0..number * 20).fold(0, |sum, step| std::hint::black_box(sum ^ step)));
            }
            findings.begin_finding().map_err(error)?;
            for (field, value) in ["host", "port", "severity", "plugin_name"].into_iter().zip(line.split(',')) {
                findings.cell(field, value);
            }
            hosts.extend(line.split(',').next().map(str::to_owned));
        }
        match findings.finish() {
            Err(message) if !has("careless") => return Err(error(message)),
            _ => {}
        }
        let hosts = u32::try_from(hosts.len()).map_err(|_| error("it has too many hosts".to_owned()))?;
        let authentication = Authentication::NotApplicable;
        Ok(ReportInfo { name: None, targets: None, hosts, authentication, warnings: Vec::new() })
    }
}

scanhost_sdk::export_backend!(Faulty);
