//! Deletes a scan at the scanner, by way of its trash as its own pages do.

use scanhost_sdk::{
    backend::types::ScanError,
    requests::{Answer, Request},
};
use serde::Serialize;

use crate::{refusal, scan_id::ScanId};

#[cfg(test)]
mod tests;

/// The folder of deleted scans.
pub const TRASH: u64 = 2;

#[derive(Serialize)]
struct Move {
    folder_id: u64,
}

pub fn remove(id: ScanId) -> Result<(), ScanError> {
    let moved =
        Request::put("move the scan to the trash", id.path("/folder")).json(&Move { folder_id: TRASH }).send()?;
    after_move(moved)?;
    after_delete(Request::delete("delete the scan", id.path("")).send()?)
}

/// Whether deleting is worth an attempt. A refused move is no reason against it: users have trashes of other numbers,
/// and a scan may be there already.
fn after_move(answer: Answer) -> Result<(), ScanError> {
    match answer.status {
        401 | 409 | 429 | 500..=599 => settled(answer).map(drop),
        _ => Ok(()),
    }
}

fn after_delete(answer: Answer) -> Result<(), ScanError> {
    match answer.status {
        404 => Ok(()),
        _ => settled(answer).map(drop),
    }
}

fn settled(answer: Answer) -> Result<Answer, ScanError> {
    answer.accept_or(|answer| match answer.status {
        // Right after a stop.
        409 => Some(ScanError::Unavailable(answer.text("the scan is between two states"))),
        _ => refusal::meaning(answer),
    })
}
