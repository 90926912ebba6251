//! Starts a scan. The scanner starts it again if it is asked twice, so it is asked once.

use scanhost_sdk::{
    backend::types::ScanError,
    requests::{Answer, Request},
};

use crate::{memory::Memory, refusal, scan_id::ScanId, wire};

#[cfg(test)]
mod tests;

pub fn launch(id: ScanId) -> Result<Vec<u8>, ScanError> {
    let answer = Request::post("launch the scan", id.path("/launch")).json(&wire::Empty {}).send()?;
    launched(answer)
}

// The answer's `scan_uuid` names this run in another space than the id; nothing here needs it.
fn launched(answer: Answer) -> Result<Vec<u8>, ScanError> {
    answer.accept_or(|answer| match answer.status {
        409 => Some(ScanError::AlreadyRunning),
        _ => refusal::meaning(answer),
    })?;
    Ok(Memory { launched: true }.write())
}
