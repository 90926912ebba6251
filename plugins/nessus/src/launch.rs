//! Starts a scan. The request is sent only once, because the scanner would start the scan a second time.

use scanhost_sdk::{
    backend::types::ScanError,
    requests::{Answer, Request},
};

use crate::{refusal, saved_state::SavedState, scan_id::ScanId, wire};

#[cfg(test)]
mod tests;

pub fn launch(id: ScanId) -> Result<Vec<u8>, ScanError> {
    let answer = Request::post("launch the scan", id.path("/launch")).json(&wire::Empty {}).send()?;
    read_launched(answer)
}

// The answer's `scan_uuid` is the id of this run and not that of the scan; nothing here needs it.
fn read_launched(answer: Answer) -> Result<Vec<u8>, ScanError> {
    answer.accept_or(|answer| match answer.status {
        409 => Some(ScanError::AlreadyRunning),
        _ => refusal::meaning(answer),
    })?;
    Ok(SavedState { launched: true }.write())
}
