//! Finds scans by their marker: the scan of one task, or all scans of this installation.

use scanhost_sdk::{
    backend::{
        scanner::{ListedScan, RemoteScan},
        types::ScanError,
    },
    requests::{Answer, Request},
};
use serde::Deserialize;

use crate::{marker, phase::Phase, refusal, remove::TRASH, scan_id::ScanId, wire};

#[cfg(test)]
mod tests;

pub fn find(installation: &str, task_id: &str) -> Result<Option<RemoteScan>, ScanError> {
    let id = oldest_scan_of(list(installation)?, task_id);
    // Whether it was launched is not known here; `status` finds out.
    Ok(id.map(|id| RemoteScan { id: id.to_string(), state: Vec::new() }))
}

pub fn list_scans(installation: &str) -> Result<Vec<ListedScan>, ScanError> {
    let listed = |scan: MarkedScan| ListedScan {
        id: scan.id.to_string(),
        task_id: scan.task_id,
        is_running: match scan.phase {
            Phase::Working | Phase::Ending | Phase::Unknown => true,
            Phase::Empty | Phase::Completed | Phase::Failed(_) => false,
        },
    };
    Ok(list(installation)?.into_iter().map(listed).collect())
}

/// A scan with the marker of this installation.
#[derive(Debug, PartialEq)]
struct MarkedScan {
    id: ScanId,
    task_id: String,
    phase: Phase,
}

fn list(installation: &str) -> Result<Vec<MarkedScan>, ScanError> {
    marked_scans(Request::get("list the scans", "/scans").send()?, installation)
}

fn marked_scans(answer: Answer, installation: &str) -> Result<Vec<MarkedScan>, ScanError> {
    #[derive(Deserialize)]
    struct List {
        #[serde(default, deserialize_with = "wire::or_default")]
        scans: Vec<Scan>,
    }
    #[derive(Deserialize)]
    struct Scan {
        id: ScanId,
        #[serde(default, deserialize_with = "wire::or_default")]
        name: String,
        #[serde(default, deserialize_with = "wire::or_default")]
        status: String,
        #[serde(default, deserialize_with = "wire::number")]
        folder_id: Option<u64>,
    }
    let List { scans } = refusal::accept(answer)?.json()?;
    let kept = scans.into_iter().filter(|scan| scan.folder_id != Some(TRASH));
    let marked = kept.filter_map(|scan| {
        let task_id = marker::task_of(&scan.name, installation)?.to_owned();
        Some(MarkedScan { id: scan.id, task_id, phase: Phase::of(&scan.status) })
    });
    Ok(marked.collect())
}

/// Returns the oldest scan of the task, so that every search returns the same one.
fn oldest_scan_of(scans: Vec<MarkedScan>, task_id: &str) -> Option<ScanId> {
    scans.into_iter().filter(|scan| scan.task_id == task_id).map(|scan| scan.id).min()
}
