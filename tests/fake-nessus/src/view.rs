//! The JSON of scans in answers.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    report::Severities,
    scan::{Durations, Run, Scan, ServerTime, State},
};

/// The time and the durations on which an answer depends.
pub struct Clock {
    pub durations: Durations,
    pub now: ServerTime,
    /// When the server started, in seconds since 1970.
    pub epoch: u64,
}

impl Clock {
    /// Converts a time to seconds since 1970.
    pub fn unix(&self, time: ServerTime) -> u64 {
        self.epoch + time.as_secs()
    }
}

/// A scan in the form in which tests get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScanView {
    pub id: u64,
    pub name: String,
    pub description: String,
    pub marker: String,
    pub status: String,
    pub folder_id: u64,
    pub launches: usize,
}

impl ScanView {
    pub fn of(scan: &Scan, clock: &Clock) -> Self {
        Self {
            id: scan.id.0,
            name: scan.name.clone(),
            description: scan.description.clone(),
            marker: scan.marker.clone(),
            status: scan.state(&clock.durations, clock.now).to_string(),
            folder_id: scan.folder,
            launches: scan.runs.len(),
        }
    }
}

/// The answer to a create request.
pub fn create_answer(scan: &Scan, clock: &Clock) -> Value {
    json!({ "scan": {
        "id": scan.id.0,
        "uuid": format!("template-{}", scan.body["uuid"].as_str().unwrap_or("")),
        "name": scan.name,
        "description": scan.description,
        "custom_targets": scan.targets,
        "enabled": scan.body["settings"]["enabled"].as_bool().unwrap_or(true),
        "owner": "operator",
        "owner_id": 2,
        "type": "public",
        "shared": 0,
        "tag_id": scan.folder,
        "user_permissions": 128,
        "default_permissions": 0,
        "creation_date": clock.unix(scan.created),
        "last_modification_date": clock.unix(scan.modified),
        "rrules": null, "starttime": null, "timezone": null, "emails": null, "notification_filters": null,
    }})
}

/// The entry of a scan in the list of scans.
pub fn list_entry(scan: &Scan, clock: &Clock) -> Value {
    json!({
        "id": scan.id.0,
        "uuid": scan.runs.last().map(|run| &run.uuid),
        "name": scan.name,
        "status": scan.state(&clock.durations, clock.now).to_string(),
        "folder_id": scan.folder,
        "owner": "operator",
        "type": "local",
        "enabled": true,
        "read": true,
        "shared": false,
        "control": true,
        "user_permissions": 128,
        "creation_date": clock.unix(scan.created),
        "last_modification_date": clock.unix(scan.modified),
        "rrules": null, "starttime": null, "timezone": null,
    })
}

/// The details of a scan.
pub fn details(scan: &Scan, hosts: &[String], severities: Severities, clock: &Clock) -> Value {
    let run = scan.runs.last();
    let hosts = run.map_or_else(Vec::new, |run| host_progress(run, hosts, severities, clock));
    json!({
        "info": {
            "object_id": scan.id.0,
            "uuid": run.map(|run| &run.uuid),
            "name": scan.name,
            "status": scan.state(&clock.durations, clock.now).to_string(),
            "targets": scan.targets,
            "hostcount": hosts.len(),
            "folder_id": scan.folder,
            "policy": "Advanced Scan",
            "scanner_name": "Local Scanner",
            "scan_type": "local",
            "control": true,
            "edit_allowed": true,
            "user_permissions": 128,
            "alt_targets_used": false,
            "scan_start": run.map(|run| clock.unix(run.launched)),
            "scan_end": run.and_then(|run| run.ended(&clock.durations, clock.now)).map(|end| clock.unix(end)),
            "timestamp": clock.unix(scan.modified),
        },
        "hosts": hosts,
        "comphosts": [], "compliance": [], "vulnerabilities": [], "filters": [],
        "remediations": {
            "num_cves": 0, "num_hosts": 0, "num_impacted_hosts": 0, "num_remediated_cves": 0, "remediations": null,
        },
        "notes": null,
        "history": history(scan, clock),
    })
}

fn history(scan: &Scan, clock: &Clock) -> Value {
    if scan.runs.is_empty() {
        return Value::Null;
    }
    let entry = |(number, run): (usize, &Run)| {
        json!({
            "history_id": number + 1,
            "uuid": run.uuid,
            "status": run.state(&clock.durations, clock.now).to_string(),
            "creation_date": clock.unix(run.launched),
            "last_modification_date": clock.unix(run.ended(&clock.durations, clock.now).unwrap_or(clock.now)),
            "type": "local", "owner_id": 2, "alt_targets_used": false, "scheduler": 0, "node_id": null,
        })
    };
    scan.runs.iter().enumerate().map(entry).collect()
}

/// The progress of each host. Hosts are scanned one after another, so that the sum equals the progress of the scan.
fn host_progress(run: &Run, hosts: &[String], severities: Severities, clock: &Clock) -> Vec<Value> {
    /// The number of steps of each host.
    const STEPS: f64 = 1000.0;
    if run.state(&clock.durations, clock.now) == State::Pending {
        return Vec::new();
    }
    let done = run.progress(&clock.durations, clock.now) * hosts.len() as f64;
    let entry = |(index, name): (usize, &String)| {
        let steps = ((done - index as f64).clamp(0.0, 1.0) * STEPS).floor();
        let share = |severity: usize| {
            let own = share_of(severities[severity], index, hosts.len());
            (own as f64 * steps / STEPS).floor() as u64
        };
        json!({
            "host_id": index + 2,
            "host_index": index,
            "hostname": name,
            "scanprogresscurrent": steps as u64,
            "scanprogresstotal": STEPS as u64,
            "numchecksconsidered": steps as u64,
            "totalchecksconsidered": STEPS as u64,
            "progress": format!("{}-{}/{}-{}", steps as u64, STEPS as u64, steps as u64, STEPS as u64),
            "critical": share(4), "high": share(3), "medium": share(2), "low": share(1), "info": share(0),
            "severity": (0..5).map(share).sum::<u64>(),
            "score": 0,
        })
    };
    hosts.iter().enumerate().map(entry).collect()
}

/// The share of one host, of which the first hosts get the remainder of the division.
fn share_of(total: u64, index: usize, hosts: usize) -> u64 {
    let (index, hosts) = (index as u64, hosts as u64);
    total / hosts + u64::from(index < total % hosts)
}
