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
        return told(answer);
    }
    // It has ended already, or is between two states: only its status says which.
    when_refused(status::standing(id)?.phase)
}

fn told(answer: Answer) -> Result<(), ScanError> {
    refusal::accept(answer).map(drop)
}

fn when_refused(phase: Phase) -> Result<(), ScanError> {
    match phase {
        Phase::Empty | Phase::Ending | Phase::Completed | Phase::Failed(_) => Ok(()),
        Phase::Working | Phase::Unknown => {
            Err(ScanError::Unavailable("cannot stop the scan now: it is between two states".to_owned()))
        }
    }
}
