//! A backend for a small scanner of its own, right in all that it does but for one fault.
//!
//! The fault is a word in the component's bytes, which a test exchanges: so one build gives a component for each fault.
//! `FAULTS` in the tests says which case of the conformance kit each has to fail.

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

/// As long as the longest name of a fault, filled up with dots.
static FAULT: [u8; 22] = *b"fault=none............";

fn has(fault: &str) -> bool {
    let marked = std::hint::black_box(&FAULT);
    let name = marked["fault=".len()..].split(|byte| *byte == b'.').next();
    name == Some(fault.as_bytes())
}

#[derive(Deserialize)]
struct Listed {
    scans: Vec<Scan>,
}

#[derive(Deserialize)]
struct Scan {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Standing {
    state: String,
    #[serde(default)]
    percent: u8,
}

#[derive(Serialize)]
struct New {
    name: String,
    targets: String,
    password: Option<String>,
}

#[derive(Serialize)]
struct Nothing {}

/// The scans of this installation, each with its task.
fn listed(context: &Context) -> Result<Vec<(String, String)>, ScanError> {
    let Listed { scans } = accept(Request::get("list the scans", "/scans").send()?)?.json()?;
    let marked = scans.into_iter().filter_map(|scan| {
        let (_, marker) = scan.name.strip_suffix(']')?.rsplit_once('[')?;
        let (installation, task) = marker.split_once(' ')?;
        (has("grabber") || installation == context.installation).then(|| (scan.id, task.to_owned()))
    });
    Ok(marked.collect())
}

fn accept(answer: Answer) -> Result<Answer, ScanError> {
    if has("fragile") && answer.body.starts_with(b"<") {
        panic!("this is no JSON");
    }
    if has("hammer") && answer.status == 503 {
        for _ in 0..30 {
            Request::get("see the scanner", "/ready").send()?;
        }
    }
    answer.accept_or(|answer| match answer.status {
        429 if has("deaf") => Some(ScanError::RateLimited(None)),
        503 if has("quitter") => Some(ScanError::Invalid("it is down".to_owned())),
        418 if has("parrot") => Some(ScanError::Internal(String::from_utf8_lossy(&answer.body).into_owned())),
        _ => None,
    })
}

struct Lab;

impl scanner::Guest for Lab {
    fn describe() -> Description {
        assert!(!has("speechless"), "it has no words");
        let description = if has("mumbler") { "" } else { "how sure the scanner is, in words" };
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
        let sent = Request::post("create the scan", "/scans").json(&New { name, targets, password }).send()?;
        let Created { id } = accept(sent)?.json()?;
        Ok(RemoteScan { id, state })
    }

    fn find(context: Context, task_id: String) -> Result<Option<RemoteScan>, ScanError> {
        let found = listed(&context)?.into_iter().find(|(_, task)| has("greedy") || *task == task_id);
        let found = found.filter(|_| !has("forgetful"));
        Ok(found.map(|(id, _)| RemoteScan { id, state: Vec::new() }))
    }

    fn list_scans(context: Context) -> Result<Vec<ListedScan>, ScanError> {
        let listed = listed(&context)?.into_iter();
        Ok(listed.map(|(id, task_id)| ListedScan { id, task_id, is_running: !has("sleepy") }).collect())
    }

    fn launch(context: Context, id: String) -> Result<Vec<u8>, ScanError> {
        let answer = Request::post("launch the scan", path(&id, "/launch")?).json(&Nothing {}).send()?;
        if answer.status == 409 && !has("stubborn") {
            return Err(ScanError::AlreadyRunning);
        }
        accept(answer)?;
        Ok(context.state)
    }

    fn status(context: Context, id: String) -> Result<ScanStatus, ScanError> {
        let standing: Standing = accept(Request::get("read the scan's status", path(&id, "")?).send()?)?.json()?;
        let state = match standing.state.as_str() {
            "new" => RemoteState::Created,
            "done" => RemoteState::Completed,
            "failed" => RemoteState::Failed("the scanner gave it up".to_owned()),
            _ if has("boaster") => RemoteState::Running(standing.percent + 100),
            _ => RemoteState::Running(standing.percent),
        };
        Ok(ScanStatus { state, next_state: context.state })
    }

    fn stop(_context: Context, id: String) -> Result<(), ScanError> {
        let answer = Request::post("stop the scan", path(&id, "/stop")?).json(&Nothing {}).send()?;
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
            let asked = http::send(&http::Request { method: Method::Get, path, headers: Vec::new(), body: None });
            log::write(log::Level::Debug, if asked.is_ok() { "it went" } else { "it did not go" });
        }
        accept(Request::get("see the scanner", "/ready").send()?)?;
        let mood = if has("moody") { RandomState::new().hash_one(7) } else { 7 };
        Ok(ScannerHealth { ready: true, message: format!("it answers, {mood}") })
    }
}

/// An id comes from the scanner: only one that can be part of a path becomes one.
fn path(id: &str, rest: &str) -> Result<String, ScanError> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(ScanError::NotFound("the scan's id is none of this scanner".to_owned()));
    }
    Ok(format!("/scans/{id}{rest}"))
}

impl reader::Guest for Lab {
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
        assert!(!has("rigid") || text.windows(4).any(|part| part == b"host"), "where is the host");
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

scanhost_sdk::export_backend!(Lab);
