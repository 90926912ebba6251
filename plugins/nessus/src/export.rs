//! Exports the report: asks the scanner to write it, polls until it is written, and streams it into the report file.

mod cursor;
#[cfg(test)]
mod tests;

use scanhost_sdk::{
    backend::{
        scanner::{ExportPending, ExportStep},
        types::ScanError,
    },
    requests::{Answer, Download, Request},
};
use serde::{Deserialize, Serialize};

use crate::{refusal, scan_id::ScanId, wire};
use cursor::Cursor;

/// The time between two polls. Nessus writes small reports in a second or two, large ones in minutes.
const POLL_AGAIN_MS: u32 = 1_000;

pub fn export(id: ScanId, cursor: Option<&str>) -> Result<ExportStep, ScanError> {
    let cursor = match cursor {
        None => Cursor::first(start(id)?),
        Some(text) => Cursor::parse(text)?,
    };
    match file_state(id, &cursor)? {
        FileState::Loading => Ok(pending(&cursor)),
        FileState::Ready => match download(id, &cursor)? {
            Outcome::Complete => Ok(ExportStep::Done),
            Outcome::Gone => start_again(id, &cursor),
        },
        FileState::Failed | FileState::Gone => start_again(id, &cursor),
    }
}

fn start_again(id: ScanId, cursor: &Cursor) -> Result<ExportStep, ScanError> {
    let attempt = cursor.next_attempt()?;
    Ok(pending(&attempt.with(start(id)?)))
}

fn pending(cursor: &Cursor) -> ExportStep {
    ExportStep::Pending(ExportPending { cursor: cursor.write(), retry_after_ms: POLL_AGAIN_MS })
}

/// An export that the scanner has started: the number of its file, and a token that older paths use instead.
#[derive(Clone, Debug, PartialEq, Eq)]
struct StartedExport {
    file: u64,
    token: Option<String>,
}

fn start(id: ScanId) -> Result<StartedExport, ScanError> {
    #[derive(Serialize)]
    struct Format {
        format: &'static str,
    }
    let request = Request::post("export the report", id.path("/export")).json(&Format { format: "nessus" });
    read_started(request.send()?)
}

fn read_started(answer: Answer) -> Result<StartedExport, ScanError> {
    #[derive(Deserialize)]
    struct Started {
        #[serde(deserialize_with = "wire::number")]
        file: Option<u64>,
        #[serde(default)]
        token: Option<String>,
    }
    let answer = answer.accept_or(|answer| match answer.status {
        404 => Some(ScanError::NotFound(answer.text("the scan is gone or has no results"))),
        _ => refusal::meaning(answer),
    })?;
    let Started { file, token } = answer.json()?;
    let file = file.ok_or_else(|| ScanError::Internal(answer.text("the export has no file number")))?;
    Ok(StartedExport { file, token: token.filter(|token| cursor::is_token(token)) })
}

/// The state of the export's file at the scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileState {
    Loading,
    Ready,
    Failed,
    /// The scanner does not know the file, for example after a restart.
    Gone,
}

fn file_state(id: ScanId, cursor: &Cursor) -> Result<FileState, ScanError> {
    for path in cursor.paths(id, "status") {
        let state = read_state(Request::get("check the export", path).send()?)?;
        if state != FileState::Gone {
            return Ok(state);
        }
    }
    Ok(FileState::Gone)
}

fn read_state(answer: Answer) -> Result<FileState, ScanError> {
    #[derive(Deserialize)]
    struct State {
        status: String,
    }
    if answer.status == 404 {
        return Ok(FileState::Gone);
    }
    let State { status } = refusal::accept(answer)?.json()?;
    Ok(match status.as_str() {
        "ready" => FileState::Ready,
        "error" => FileState::Failed,
        // `loading`, and words of later versions: the file is not ready yet.
        _ => FileState::Loading,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Complete,
    Gone,
}

fn download(id: ScanId, cursor: &Cursor) -> Result<Outcome, ScanError> {
    for path in cursor.paths(id, "download") {
        let outcome = outcome(Request::get("download the report", path).download()?)?;
        if outcome != Outcome::Gone {
            return Ok(outcome);
        }
    }
    Ok(Outcome::Gone)
}

fn outcome(Download { answer, written }: Download) -> Result<Outcome, ScanError> {
    if answer.status == 404 {
        return Ok(Outcome::Gone);
    }
    let answer = refusal::accept(answer)?;
    if written == 0 {
        return Err(ScanError::Unavailable(answer.text("the report is empty")));
    }
    Ok(Outcome::Complete)
}
