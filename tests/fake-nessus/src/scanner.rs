//! The scanner: all its state, and the answer to each call. No I/O, no clock.

use std::collections::{BTreeMap, HashMap};

use axum::http::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    call::Call,
    create, edition,
    export::{Export, ExportKey, Outcome},
    fault::Kind,
    record::marker_in,
    reply::{Refusal, Reply, Report},
    report::{self, Severities},
    scan::{Fate, Moment, Order, Pace, Run, Scan, ScanId},
    session::Sessions,
    settings::{Reports, Settings},
    view::{self, Clock, ScanView},
};

/// The first id that a scan gets. Ids are given once: what was deleted is never meant again.
const FIRST_ID: u64 = 11;

pub struct Scanner {
    settings: Settings,
    /// What the one report of all scans counts.
    found: Option<Severities>,
    epoch: u64,
    next_id: u64,
    scans: BTreeMap<ScanId, Scan>,
    exports: Vec<Export>,
    /// Of deleted scans too.
    markers: HashMap<ScanId, String>,
    sessions: Sessions,
}

/// One request, as far as the scanner needs it.
pub struct Asked<'a> {
    pub call: &'a Call,
    pub headers: &'a HeaderMap,
    pub body: &'a Value,
    /// A fault that happens inside the scanner.
    pub trouble: Option<&'a Kind>,
    pub now: Moment,
}

impl Scanner {
    pub fn new(settings: Settings, epoch: u64) -> Self {
        let found = match &settings.reports {
            Reports::Same(bytes) => Some(report::severities(bytes)),
            Reports::Folder(_) | Reports::Generated => None,
        };
        Self {
            settings,
            found,
            epoch,
            next_id: FIRST_ID,
            scans: BTreeMap::new(),
            exports: Vec::new(),
            markers: HashMap::new(),
            sessions: Sessions::default(),
        }
    }

    /// Forgets everything but which ids were given.
    pub fn reset(&mut self) {
        *self = Self { next_id: self.next_id, ..Self::new(self.settings.clone(), self.epoch) };
    }

    pub fn scans(&self, now: Moment) -> Vec<ScanView> {
        let clock = self.clock(now);
        self.scans.values().map(|scan| ScanView::of(scan, &clock)).collect()
    }

    /// The marker of the scan that a call is about; `None` where it is about no scan that ever was.
    pub fn marker(&self, call: &Call, body: &Value) -> Option<String> {
        if *call == Call::Create {
            let [name, description] = create::texts(body);
            return Some(marker_in(name, description).unwrap_or_default());
        }
        let by_token = |token: &str| self.exports.iter().find(|export| export.token == token).map(|export| export.scan);
        let scan = call.scan().or_else(|| call.token().and_then(by_token))?;
        self.markers.get(&scan).cloned()
    }

    pub fn answer(&mut self, asked: &Asked<'_>) -> Result<Reply, Refusal> {
        let operation = asked.call.operation();
        if !operation.is_public() {
            self.sessions.admit(asked.headers, &self.settings)?;
        }
        if operation.is_write() && !self.settings.scan_api {
            return Err(Refusal::NO_SCAN_API);
        }
        Ok(match asked.call {
            Call::Login => Reply::Json(json!({ "token": self.sessions.open(asked.body, &self.settings)? })),
            Call::Logout => {
                self.sessions.close(asked.headers);
                Reply::Empty
            }
            Call::Session => Reply::Json(json!({ "id": 2, "username": "operator", "permissions": 128 })),
            Call::ServerStatus => Reply::Json(edition::status()),
            Call::ServerProperties => Reply::Json(edition::properties(&self.settings)),
            Call::Templates => Reply::Json(edition::templates(&self.settings)),
            // As an installation says it that has none.
            Call::Policies => Reply::Json(json!({ "policies": null })),
            Call::Folders => Reply::Json(json!({ "folders": edition::folders() })),
            Call::Scanners => Reply::Json(edition::scanners()),
            Call::Create => Reply::Json(self.create(asked)?),
            Call::List { folder } => Reply::Json(self.list(*folder, asked.now)),
            Call::Status(id) => Reply::Json(self.details(*id, asked.now)?),
            Call::Launch(id) => Reply::Json(self.launch(*id, asked)?),
            Call::Pause(id) => self.order(*id, Order::Pause, asked.now)?,
            Call::Resume(id) => self.order(*id, Order::Resume, asked.now)?,
            Call::Stop(id) => self.order(*id, Order::Stop, asked.now)?,
            Call::Move(id) => self.put_into_folder(*id, asked.body)?,
            Call::Delete(id) => self.delete(*id, asked.now)?,
            Call::Export(id) => Reply::Json(self.export(*id, asked)?),
            Call::ExportStatus(key) => {
                Reply::Json(json!({ "status": self.exported(key)?.state(self.settings.export_duration, asked.now) }))
            }
            Call::Download(key) => Reply::Report(self.exported(key)?.report(self.settings.export_duration, asked.now)?),
            Call::Unknown => return Err(Refusal::NOT_FOUND),
        })
    }

    fn create(&mut self, asked: &Asked<'_>) -> Result<Value, Refusal> {
        let order = create::Order::parse(asked.body, &self.settings)?;
        let id = ScanId(self.next_id());
        let marker = marker_in(&order.name, &order.description).unwrap_or_default();
        self.markers.insert(id, marker.clone());
        let mut scan = Scan {
            id,
            name: order.name,
            description: order.description,
            targets: order.targets,
            has_credentials: order.has_credentials,
            folder: order.folder,
            created: asked.now,
            modified: asked.now,
            marker,
            body: asked.body.clone(),
            runs: Vec::new(),
        };
        if order.launches {
            scan.runs.push(new_run(asked));
        }
        let answer = view::created(&scan, &self.clock(asked.now));
        self.scans.insert(id, scan);
        Ok(answer)
    }

    fn list(&self, folder: Option<u64>, now: Moment) -> Value {
        let clock = self.clock(now);
        let is_listed = |scan: &&Scan| folder.is_none_or(|folder| folder == scan.folder);
        let lines: Vec<Value> = self.scans.values().filter(is_listed).map(|scan| view::listed(scan, &clock)).collect();
        // An empty list is null, as real servers have it.
        let scans = if lines.is_empty() { Value::Null } else { Value::Array(lines) };
        json!({ "folders": edition::folders(), "scans": scans, "timestamp": clock.unix(now) })
    }

    fn details(&self, id: ScanId, now: Moment) -> Result<Value, Refusal> {
        let scan = self.scans.get(&id).ok_or(Refusal::NOT_FOUND)?;
        let hosts = scan.hosts(self.settings.hosts);
        let found = self.found.unwrap_or_else(|| report::severities(&report::generate(scan, &hosts)));
        Ok(view::details(scan, &hosts, found, &self.clock(now)))
    }

    fn launch(&mut self, id: ScanId, asked: &Asked<'_>) -> Result<Value, Refusal> {
        let pace = self.pace();
        let run = new_run(asked);
        let uuid = run.uuid.clone();
        self.scan(id)?.launch(run, &pace)?;
        Ok(json!({ "scan_uuid": uuid }))
    }

    fn order(&mut self, id: ScanId, order: Order, now: Moment) -> Result<Reply, Refusal> {
        let pace = self.pace();
        self.scan(id)?.order(order, &pace, now)?;
        Ok(Reply::Empty)
    }

    fn put_into_folder(&mut self, id: ScanId, body: &Value) -> Result<Reply, Refusal> {
        let scan = self.scan(id)?;
        let named = body.get("folder_id").ok_or(Refusal::invalid("No folder"))?;
        scan.folder = create::folder(Some(named))?;
        Ok(Reply::Empty)
    }

    fn delete(&mut self, id: ScanId, now: Moment) -> Result<Reply, Refusal> {
        let pace = self.pace();
        if self.scan(id)?.state(&pace, now).is_active() {
            return Err(Refusal::conflict("The scan is running or in transition"));
        }
        self.scans.remove(&id);
        Ok(Reply::Empty)
    }

    fn export(&mut self, id: ScanId, asked: &Asked<'_>) -> Result<Value, Refusal> {
        let scan = self.scans.get(&id).ok_or(Refusal::NOT_FOUND)?;
        if asked.body.get("format").and_then(Value::as_str) != Some("nessus") {
            return Err(Refusal::invalid("The format is not available"));
        }
        if !scan.runs.iter().any(|run| run.has_results(&self.pace(), asked.now)) {
            return Err(Refusal::NOT_FOUND);
        }
        let outcome = match asked.trouble {
            Some(Kind::ExportFails) => Outcome::Failed,
            _ => Outcome::Ready(self.report_of(scan)),
        };
        let (file, token) = (self.next_id(), new_token());
        let answer = json!({ "token": token, "file": file });
        self.exports.push(Export { scan: id, file, token, requested: asked.now, outcome });
        Ok(answer)
    }

    fn exported(&self, key: &ExportKey) -> Result<&Export, Refusal> {
        self.exports.iter().find(|export| export.is(key)).ok_or(Refusal::NOT_FOUND)
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

    fn pace(&self) -> Pace {
        Pace::from(&self.settings)
    }

    fn clock(&self, now: Moment) -> Clock {
        Clock { pace: self.pace(), now, epoch: self.epoch }
    }
}

fn new_run(asked: &Asked<'_>) -> Run {
    let fate = if asked.trouble == Some(&Kind::ScanAborts) { Fate::Aborts } else { Fate::Completes };
    Run::new(Uuid::new_v4().to_string(), fate, asked.now)
}

fn new_token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
