//! Looks for scans by their marker: that of one task, or all of this installation.

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
    let id = scan_of(list(installation)?, task_id);
    // Whether it was launched is not known here; `status` asks.
    Ok(id.map(|id| RemoteScan { id: id.to_string(), state: Vec::new() }))
}

pub fn list_scans(installation: &str) -> Result<Vec<ListedScan>, ScanError> {
    let listed = |scan: Marked| ListedScan {
        id: scan.id.to_string(),
        task_id: scan.task_id,
        is_running: match scan.phase {
            Phase::Working | Phase::Ending | Phase::Unknown => true,
            Phase::Empty | Phase::Completed | Phase::Failed(_) => false,
        },
    };
    Ok(list(installation)?.into_iter().map(listed).collect())
}

/// A scan of this installation.
#[derive(Debug, PartialEq)]
struct Marked {
    id: ScanId,
    task_id: String,
    phase: Phase,
}

fn list(installation: &str) -> Result<Vec<Marked>, ScanError> {
    marked(Request::get("list the scans", "/scans").send()?, installation)
}

fn marked(answer: Answer, installation: &str) -> Result<Vec<Marked>, ScanError> {
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
        Some(Marked { id: scan.id, task_id, phase: Phase::of(&scan.status) })
    });
    Ok(marked.collect())
}

/// The oldest, so that every search gives the same one.
fn scan_of(scans: Vec<Marked>, task_id: &str) -> Option<ScanId> {
    scans.into_iter().filter(|scan| scan.task_id == task_id).map(|scan| scan.id).min()
}
