//! The refusal of a request: a code, what is wrong, and what to do next.

#[cfg(test)]
mod tests;

use std::fmt;

use scanhost_domain::error_chain::chain;
use scanhost_store::{StoreError, record::BadRecord};

/// The codes that agents know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    InvalidArgument,
    TargetNotAllowed,
    NotFound,
    NotReady,
    Conflict,
    NoScanner,
    RateLimited,
    Unavailable,
    Internal,
}

impl ErrorCode {
    pub const ALL: [ErrorCode; 9] = [
        Self::InvalidArgument,
        Self::TargetNotAllowed,
        Self::NotFound,
        Self::NotReady,
        Self::Conflict,
        Self::NoScanner,
        Self::RateLimited,
        Self::Unavailable,
        Self::Internal,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::TargetNotAllowed => "target_not_allowed",
            Self::NotFound => "not_found",
            Self::NotReady => "not_ready",
            Self::Conflict => "conflict",
            Self::NoScanner => "no_scanner",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// A request that is not carried out. Its texts hold nothing that a scanner reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCode,
    pub message: String,
    pub hint: String,
}

impl Refusal {
    pub fn new(code: ErrorCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into() }
    }

    pub fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message, hint)
    }

    /// The refusal on a full disk.
    pub fn no_room() -> Self {
        Self::new(
            ErrorCode::Unavailable,
            "the disk of the host's data folder is full",
            "Nothing was changed. Try again once the operator has freed space; deleting scans frees some too.",
        )
    }

    /// Something that is this host's fault; the log has the cause.
    pub fn internal(doing: &str, error: &dyn std::error::Error) -> Self {
        tracing::error!(error = chain(error), "{doing} failed");
        Self::new(
            ErrorCode::Internal,
            format!("{doing} failed"),
            "Try again. If it fails again, tell the operator, who finds the cause in the log.",
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code.name())?;
        f.write_str(&joined(&self.message, &self.hint))
    }
}

/// What is wrong and what to do next, on one line.
pub fn joined(message: &str, hint: &str) -> String {
    let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    if hint.is_empty() { message.to_owned() } else { format!("{message}{stop} {hint}") }
}

impl std::error::Error for Refusal {}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::no_room(),
            StoreError::AnswerLost(_) => {
                tracing::error!(error = chain(&error), "the store's answer was lost");
                Self::new(
                    ErrorCode::Unavailable,
                    "the answer of the store of scans was lost, so the host does not know whether it carried out the \
                        request",
                    "A submitted scan may have been stored: look with list_scans, or repeat the call with the same \
                     idempotency_key. Calls about one scan can be repeated; get_scan_status shows its status.",
                )
            }
            StoreError::Unavailable(_) | StoreError::InUse | StoreError::OtherKey | StoreError::OtherFolder { .. } => {
                tracing::error!(error = chain(&error), "the store cannot be used");
                Self::new(
                    ErrorCode::Unavailable,
                    "the store of scans cannot be used now",
                    "Nothing was changed. Try again in a few seconds; `/ready` says what is wrong.",
                )
            }
            StoreError::Damaged(BadRecord::Version(_)) => {
                tracing::error!(error = chain(&error), "a stored scan is of a newer version");
                Self::new(
                    ErrorCode::Unavailable,
                    "this scan was stored by a newer version of scanhost, and this host cannot read it",
                    "Nothing was changed. Ask a host of that version, or have the operator update this one.",
                )
            }
            StoreError::Damaged(BadRecord::Json(_) | BadRecord::Value(_)) => {
                tracing::error!(error = chain(&error), "a stored scan is damaged");
                Self::new(
                    ErrorCode::Internal,
                    "the stored record of this scan is damaged and cannot be read",
                    "Nothing was changed, and its files are still there. Tell the operator, who finds the details \
                        in the log; if the results are needed at once, submit the scan again.",
                )
            }
        }
    }
}
