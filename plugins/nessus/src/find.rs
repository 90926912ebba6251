//! Looks for the scan of a task by its marker.

use scanhost_sdk::{
    backend::{scanner::RemoteScan, types::ScanError},
    requests::{Answer, Request},
};
use serde::Deserialize;

use crate::{marker, refusal, remove::TRASH, scan_id::ScanId, wire};

#[cfg(test)]
mod tests;

pub fn find(task_id: &str) -> Result<Option<RemoteScan>, ScanError> {
    let answer = Request::get("list the scans", "/scans").send()?;
    let id = scan_of(answer, task_id)?;
    // Whether it was launched is not known here; `status` asks.
    Ok(id.map(|id| RemoteScan { id: id.to_string(), state: Vec::new() }))
}

fn scan_of(answer: Answer, task_id: &str) -> Result<Option<ScanId>, ScanError> {
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
        #[serde(default, deserialize_with = "wire::number")]
        folder_id: Option<u64>,
    }
    let List { scans } = refusal::accept(answer)?.json()?;
    let ours = scans.into_iter().filter(|scan| scan.folder_id != Some(TRASH) && marker::is_marked(&scan.name, task_id));
    // The oldest, so that every search gives the same one.
    Ok(ours.map(|scan| scan.id).min())
}
