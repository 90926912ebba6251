//! The scanner: its state, and the answer to each call. It does no I/O and reads no clock.

use std::collections::{BTreeMap, HashMap};

use axum::http::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    call::Call,
    create_request, edition,
    export::{Export, ExportKey, Outcome},
    fault::FaultKind,
    record::marker_in,
    reply::{Refusal, Reply, Report},
    report::{self, Severities},
    scan::{Command, Durations, Run, RunEnding, Scan, ScanId, ServerTime},
    session::Sessions,
    settings::{Reports, Settings},
    view::{self, Clock, ScanView},
};

/// The id of the first scan. Ids are never reused.
const FIRST_ID: u64 = 11;

pub struct Scanner {
    settings: Settings,
    /// The severities in the report, if all scans have the same one.
    severities: Option<Severities>,
    epoch: u64,
    next_id: u64,
    scans: BTreeMap<ScanId, Scan>,
    exports: Vec<Export>,
    /// The markers of all scans, including deleted ones.
    markers: HashMap<ScanId, String>,
    sessions: Sessions,
}

/// The parts of a request that the scanner needs.
pub struct ScannerRequest<'a> {
    pub call: &'a Call,
    pub headers: &'a HeaderMap,
    pub body: &'a Value,
    /// A fault that the scanner itself has to cause.
    pub fault: Option<&'a FaultKind>,
    pub now: ServerTime,
}

impl Scanner {
    pub fn new(settings: Settings, epoch: u64) -> Self {
        let severities = match &settings.reports {
            Reports::Same(bytes) => Some(report::severities(bytes)),
            Reports::Folder(_) | Reports::Generated => None,
        };
        Self {
            settings,
            severities,
            epoch,
            next_id: FIRST_ID,
            scans: BTreeMap::new(),
            exports: Vec::new(),
            markers: HashMap::new(),
            sessions: Sessions::default(),
        }
    }

    /// Forgets everything except the ids that were used.
    pub fn reset(&mut self) {
        *self = Self { next_id: self.next_id, ..Self::new(self.settings.clone(), self.epoch) };
    }

    pub fn scans(&self, now: ServerTime) -> Vec<ScanView> {
        let clock = self.clock(now);
        self.scans.values().map(|scan| ScanView::of(scan, &clock)).collect()
    }

    /// The marker of the scan that a call refers to, or `None` if there never was such a scan.
    pub fn marker(&self, call: &Call, body: &Value) -> Option<String> {
        if *call == Call::Create {
            let [name, description] = create_request::name_and_description(body);
            return Some(marker_in(name, description).unwrap_or_default());
        }
        let by_token = |token: &str| self.exports.iter().find(|export| export.token == token).map(|export| export.scan);
        let scan = call.scan().or_else(|| call.token().and_then(by_token))?;
        self.markers.get(&scan).cloned()
    }

    pub fn handle(&mut self, request: &ScannerRequest<'_>) -> Result<Reply, Refusal> {
        let operation = request.call.operation();
        if !operation.is_public() {
            self.sessions.authenticate(request.headers, &self.settings)?;
        }
        if operation.is_write() && !self.settings.scan_api {
            return Err(Refusal::NO_SCAN_API);
        }
        Ok(match request.call {
            Call::Login => Reply::Json(json!({ "token": self.sessions.open(request.body, &self.settings)? })),
            Call::Logout => {
                self.sessions.close(request.headers);
                Reply::Empty
            }
            Call::Session => Reply::Json(json!({ "id": 2, "username": "operator", "permissions": 128 })),
            Call::ServerStatus => Reply::Json(edition::status()),
            Call::ServerProperties => Reply::Json(edition::properties(&self.settings)),
            Call::Templates => Reply::Json(edition::templates(&self.settings)),
            // An installation without policies answers null.
            Call::Policies => Reply::Json(json!({ "policies": null })),
            Call::Folders => Reply::Json(json!({ "folders": edition::folders() })),
            Call::Scanners => Reply::Json(edition::scanners()),
            Call::Create => Reply::Json(self.create(request)?),
            Call::List { folder } => Reply::Json(self.list(*folder, request.now)),
            Call::Status(id) => Reply::Json(self.details(*id, request.now)?),
            Call::Launch(id) => Reply::Json(self.launch(*id, request)?),
            Call::Pause(id) => self.command(*id, Command::Pause, request.now)?,
            Call::Resume(id) => self.command(*id, Command::Resume, request.now)?,
            Call::Stop(id) => self.command(*id, Command::Stop, request.now)?,
            Call::Move(id) => self.move_to_folder(*id, request.body)?,
            Call::Delete(id) => self.delete(*id, request.now)?,
            Call::Export(id) => Reply::Json(self.export(*id, request)?),
            Call::ExportStatus(key) => Reply::Json(
                json!({ "status": self.find_export(key)?.state(self.settings.export_duration, request.now) }),
            ),
            Call::Download(key) => {
                Reply::Report(self.find_export(key)?.report(self.settings.export_duration, request.now)?)
            }
            Call::Unknown => return Err(Refusal::NOT_FOUND),
        })
    }

    fn create(&mut self, request: &ScannerRequest<'_>) -> Result<Value, Refusal> {
        let create = create_request::CreateRequest::parse(request.body, &self.settings)?;
        let id = ScanId(self.next_id());
        let marker = marker_in(&create.name, &create.description).unwrap_or_default();
        self.markers.insert(id, marker.clone());
        let mut scan = Scan {
            id,
            name: create.name,
            description: create.description,
            targets: create.targets,
            has_credentials: create.has_credentials,
            folder: create.folder,
            created: request.now,
            modified: request.now,
            marker,
            body: request.body.clone(),
            runs: Vec::new(),
        };
        if create.launch_now {
            scan.runs.push(new_run(request));
        }
        let answer = view::create_answer(&scan, &self.clock(request.now));
        self.scans.insert(id, scan);
        Ok(answer)
    }

    fn list(&self, folder: Option<u64>, now: ServerTime) -> Value {
        let clock = self.clock(now);
        let is_listed = |scan: &&Scan| folder.is_none_or(|folder| folder == scan.folder);
        let lines: Vec<Value> =
            self.scans.values().filter(is_listed).map(|scan| view::list_entry(scan, &clock)).collect();
        // Real servers answer null for an empty list.
        let scans = if lines.is_empty() { Value::Null } else { Value::Array(lines) };
        json!({ "folders": edition::folders(), "scans": scans, "timestamp": clock.unix(now) })
    }

    fn details(&self, id: ScanId, now: ServerTime) -> Result<Value, Refusal> {
        let scan = self.scans.get(&id).ok_or(Refusal::NOT_FOUND)?;
        let hosts = scan.hosts(self.settings.hosts);
        let severities = self.severities.unwrap_or_else(|| report::severities(&report::generate(scan, &hosts)));
        Ok(view::details(scan, &hosts, severities, &self.clock(now)))
    }

    fn launch(&mut self, id: ScanId, request: &ScannerRequest<'_>) -> Result<Value, Refusal> {
        let durations = self.durations();
        let run = new_run(request);
        let uuid = run.uuid.clone();
        self.scan(id)?.launch(run, &durations)?;
        Ok(json!({ "scan_uuid": uuid }))
    }

    fn command(&mut self, id: ScanId, command: Command, now: ServerTime) -> Result<Reply, Refusal> {
        let durations = self.durations();
        self.scan(id)?.command(command, &durations, now)?;
        Ok(Reply::Empty)
    }

    fn move_to_folder(&mut self, id: ScanId, body: &Value) -> Result<Reply, Refusal> {
        let scan = self.scan(id)?;
        let named = body.get("folder_id").ok_or(Refusal::invalid("No folder"))?;
        scan.folder = create_request::folder(Some(named))?;
        Ok(Reply::Empty)
    }

    fn delete(&mut self, id: ScanId, now: ServerTime) -> Result<Reply, Refusal> {
        let durations = self.durations();
        if self.scan(id)?.state(&durations, now).is_active() {
            return Err(Refusal::conflict("The scan is running or in transition"));
        }
        self.scans.remove(&id);
        Ok(Reply::Empty)
    }

    fn export(&mut self, id: ScanId, request: &ScannerRequest<'_>) -> Result<Value, Refusal> {
        let scan = self.scans.get(&id).ok_or(Refusal::NOT_FOUND)?;
        if request.body.get("format").and_then(Value::as_str) != Some("nessus") {
            return Err(Refusal::invalid("The format is not available"));
        }
        if !scan.runs.iter().any(|run| run.has_results(&self.durations(), request.now)) {
            return Err(Refusal::NOT_FOUND);
        }
        let outcome = match request.fault {
            Some(FaultKind::ExportFails) => Outcome::Failed,
            _ => Outcome::Ready(self.report_of(scan)),
        };
        let (file, token) = (self.next_id(), new_token());
        let answer = json!({ "token": token, "file": file });
        self.exports.push(Export { scan: id, file, token, requested: request.now, outcome });
        Ok(answer)
    }

    fn find_export(&self, key: &ExportKey) -> Result<&Export, Refusal> {
        self.exports.iter().find(|export| export.has_key(key)).ok_or(Refusal::NOT_FOUND)
    }

    fn report_of(&self, scan: &Scan) -> Report {
        match &self.settings.reports {
            Reports::Same(bytes) => Report::Bytes(bytes.clone()),
            Reports::Folder(folder) => {
                Report::File(folder.join(scan.name.split_whitespace().next().unwrap_or_default()))
            }
            Reports::Generated => Report::Bytes(report::generate(scan, &scan.hosts(self.settings.hosts))),
        }
    }

    fn scan(&mut self, id: ScanId) -> Result<&mut Scan, Refusal> {
        self.scans.get_mut(&id).ok_or(Refusal::NOT_FOUND)
    }

    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn durations(&self) -> Durations {
        Durations::from(&self.settings)
    }

    fn clock(&self, now: ServerTime) -> Clock {
        Clock { durations: self.durations(), now, epoch: self.epoch }
    }
}

fn new_run(request: &ScannerRequest<'_>) -> Run {
    let ending = if request.fault == Some(&FaultKind::ScanAborts) { RunEnding::Aborts } else { RunEnding::Completes };
    Run::new(Uuid::new_v4().to_string(), ending, request.now)
}

fn new_token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
