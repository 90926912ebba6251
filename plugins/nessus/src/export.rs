//! Gets the report: asks the scanner to write it, looks until it is written, and streams it into the report file.

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

/// Between two looks. Nessus writes small reports in a second or two, large ones in minutes.
const LOOK_AGAIN_MS: u32 = 1_000;

pub fn export(id: ScanId, cursor: Option<&str>) -> Result<ExportStep, ScanError> {
    let cursor = match cursor {
        None => Cursor::first(order(id)?),
        Some(text) => Cursor::parse(text)?,
    };
    match file_state(id, &cursor)? {
        FileState::Loading => Ok(pending(&cursor)),
        FileState::Ready => match fetch(id, &cursor)? {
            Fetched::Whole => Ok(ExportStep::Done),
            Fetched::Gone => order_again(id, &cursor),
        },
        FileState::Failed | FileState::Gone => order_again(id, &cursor),
    }
}

fn order_again(id: ScanId, cursor: &Cursor) -> Result<ExportStep, ScanError> {
    let attempt = cursor.next_attempt()?;
    Ok(pending(&attempt.with(order(id)?)))
}

fn pending(cursor: &Cursor) -> ExportStep {
    ExportStep::Pending(ExportPending { cursor: cursor.write(), retry_after_ms: LOOK_AGAIN_MS })
}

/// An export that the scanner took on: the file's number, and a token that older paths ask for instead.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Order {
    file: u64,
    token: Option<String>,
}

fn order(id: ScanId) -> Result<Order, ScanError> {
    #[derive(Serialize)]
    struct Format {
        format: &'static str,
    }
    let request = Request::post("export the report", id.path("/export")).json(&Format { format: "nessus" });
    ordered(request.send()?)
}

fn ordered(answer: Answer) -> Result<Order, ScanError> {
    #[derive(Deserialize)]
    struct Ordered {
        #[serde(deserialize_with = "wire::number")]
        file: Option<u64>,
        #[serde(default)]
        token: Option<String>,
    }
    let answer = answer.accept_or(|answer| match answer.status {
        404 => Some(ScanError::NotFound(answer.text("the scan is gone or has no results"))),
        _ => refusal::meaning(answer),
    })?;
    let Ordered { file, token } = answer.json()?;
    let file = file.ok_or_else(|| ScanError::Internal(answer.text("the export has no file number")))?;
    Ok(Order { file, token: token.filter(|token| cursor::is_token(token)) })
}

/// How far the scanner is with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileState {
    Loading,
    Ready,
    Failed,
    /// The scanner does not know the file, such as after a restart.
    Gone,
}

fn file_state(id: ScanId, cursor: &Cursor) -> Result<FileState, ScanError> {
    for path in cursor.paths(id, "status") {
        let state = read_state(Request::get("look at the export", path).send()?)?;
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
        // `loading`, and words of versions to come: what is not ready is waited for.
        _ => FileState::Loading,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fetched {
    Whole,
    Gone,
}

fn fetch(id: ScanId, cursor: &Cursor) -> Result<Fetched, ScanError> {
    for path in cursor.paths(id, "download") {
        let fetched = fetched(Request::get("download the report", path).download()?)?;
        if fetched != Fetched::Gone {
            return Ok(fetched);
        }
    }
    Ok(Fetched::Gone)
}

fn fetched(Download { answer, written }: Download) -> Result<Fetched, ScanError> {
    if answer.status == 404 {
        return Ok(Fetched::Gone);
    }
    let answer = refusal::accept(answer)?;
    if written == 0 {
        return Err(ScanError::Unavailable(answer.text("the report is empty")));
    }
    Ok(Fetched::Whole)
}
