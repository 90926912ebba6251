//! The meaning of Nessus's error statuses that differ from the usual one.

use scanhost_sdk::{backend::types::ScanError, requests::Answer};

#[cfg(test)]
mod tests;

/// The licence does not let programs create scans. There is no workaround here, on purpose.
pub const NO_SCAN_API: &str = "this edition of Nessus has no scan_api: its API can read and export scans, but cannot \
                               create or launch them; use an edition that has it";

/// Returns the answer if it is a success.
pub fn accept(answer: Answer) -> Result<Answer, ScanError> {
    answer.accept_or(meaning)
}

/// The meaning of a status; none if it has its usual meaning.
pub fn meaning(answer: &Answer) -> Option<ScanError> {
    match answer.status {
        401 => Some(ScanError::Unauthorized(
            answer.text("it refuses the host's login, which is the scanner's `auth` in the configuration"),
        )),
        403 => Some(ScanError::Unauthorized(
            answer.text("the user that the host logs in as lacks the right: give it the role Standard or higher"),
        )),
        412 => Some(ScanError::Unsupported(answer.text(NO_SCAN_API))),
        _ => None,
    }
}
