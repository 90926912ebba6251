//! What Nessus means by a status that is no success, where it means more than others do.

use scanhost_sdk::{backend::types::ScanError, requests::Answer};

#[cfg(test)]
mod tests;

/// For an operator whose licence does not let programs create scans. There is no way round it here, on purpose.
pub const NO_SCAN_API: &str = "this edition of Nessus is without scan_api: over its API it can be read and exported \
                               from, but scans cannot be created or launched; use an edition that has it";

/// The answer if it is a success.
pub fn accept(answer: Answer) -> Result<Answer, ScanError> {
    answer.accept_or(meaning)
}

/// None where the status means what it usually does.
pub fn meaning(answer: &Answer) -> Option<ScanError> {
    match answer.status {
        401 => Some(ScanError::Unauthorized(
            answer.text("it does not accept the host's login: check the scanner's `auth` in the configuration"),
        )),
        403 => Some(ScanError::Unauthorized(
            answer.text("the user that the host logs in as lacks the right: give it the role Standard or higher"),
        )),
        412 => Some(ScanError::Unsupported(answer.text(NO_SCAN_API))),
        _ => None,
    }
}
