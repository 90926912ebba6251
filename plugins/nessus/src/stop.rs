//! Ends a scan early.

use scanhost_sdk::{
    backend::types::ScanError,
    requests::{Answer, Request},
};

use crate::{phase::Phase, refusal, scan_id::ScanId, status, wire};

#[cfg(test)]
mod tests;

pub fn stop(id: ScanId) -> Result<(), ScanError> {
    let answer = Request::post("stop the scan", id.path("/stop")).json(&wire::Empty {}).send()?;
    if answer.status != 409 {
        return accept(answer);
    }
    // The scan has already ended, or is changing its state: only its status says which.
    after_refusal(status::remote_status(id)?.phase)
}

fn accept(answer: Answer) -> Result<(), ScanError> {
    refusal::accept(answer).map(drop)
}

fn after_refusal(phase: Phase) -> Result<(), ScanError> {
    match phase {
        Phase::Empty | Phase::Ending | Phase::Completed | Phase::Failed(_) => Ok(()),
        Phase::Working | Phase::Unknown => {
            Err(ScanError::Unavailable("cannot stop the scan now: it is changing its state".to_owned()))
        }
    }
}
