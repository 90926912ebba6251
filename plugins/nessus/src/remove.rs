//! Deletes a scan at the scanner, through its trash as the scanner's web interface does.

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

/// Decides whether to delete after the move. A refused move does not matter: a user's trash may have another number,
/// and the scan may already be there.
fn after_move(answer: Answer) -> Result<(), ScanError> {
    match answer.status {
        401 | 409 | 429 | 500..=599 => accept(answer).map(drop),
        _ => Ok(()),
    }
}

fn after_delete(answer: Answer) -> Result<(), ScanError> {
    match answer.status {
        404 => Ok(()),
        _ => accept(answer).map(drop),
    }
}

fn accept(answer: Answer) -> Result<Answer, ScanError> {
    answer.accept_or(|answer| match answer.status {
        // This happens right after a stop.
        409 => Some(ScanError::Unavailable(answer.text("the scan is changing its state"))),
        _ => refusal::meaning(answer),
    })
}
