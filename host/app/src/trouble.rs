//! What a failed call means for the scan: the one table of what is tried again and what is not.

use std::time::Duration;

use scanhost_domain::scan::{Failure, FailureCode};
use scanhost_sandbox::{Fault, ScannerError};

/// A call that gave no result.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub failure: Failure,
    pub cure: Cure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cure {
    None,
    /// Try again; after at least this long, when the scanner said so.
    Retry(Option<Duration>),
    /// The scanner refused the host's login for this call. Whether it refuses it altogether is still to be found out.
    CheckLogin,
    /// The scanner refuses the host's login altogether: wait until it takes it again, however long that is.
    AwaitLogin,
}

impl From<ScannerError> for Trouble {
    fn from(error: ScannerError) -> Self {
        use FailureCode as Code;
        match error {
            ScannerError::Invalid(text) => Self::permanent(Code::Rejected, text),
            ScannerError::Unauthorized(text) => {
                Self { failure: Failure { code: Code::ScannerLogin, message: text }, cure: Cure::CheckLogin }
            }
            ScannerError::NotFound(text) => Self::permanent(Code::RemoteScanLost, text),
            ScannerError::Unsupported(text) => Self::permanent(Code::Unsupported, text),
            ScannerError::AlreadyRunning => Self::permanent(
                Code::Plugin,
                "the plugin answered `already-running` although nothing was launched".into(),
            ),
            ScannerError::RateLimited(after) => {
                let after = after.map(|milliseconds| Duration::from_millis(milliseconds.into()));
                // Some time has to be named, so that a busy scanner is not taken for one that is down.
                Self::transient("the scanner limits the rate of requests".into(), Some(after.unwrap_or_default()))
            }
            ScannerError::Unavailable(text) | ScannerError::Internal(text) => Self::transient(text, None),
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        let text = format!("the plugin {fault}");
        match fault {
            // The scanner may have been slow.
            Fault::Wall(_) => Self::transient(text, None),
            // Not the scanner's fault, so it must not count against it.
            Fault::Busy(_) => Self::transient(text, Some(Duration::ZERO)),
            Fault::Quarantined(rest) => Self::transient(text, Some(rest)),
            Fault::Cpu(_) | Fault::Memory(_) | Fault::Crash(_) | Fault::Contract(_) => {
                Self::permanent(FailureCode::Plugin, text)
            }
        }
    }
}

impl Trouble {
    /// Whether the scanner did not work at all, as opposed to answering with a refusal.
    pub fn is_outage(&self) -> bool {
        matches!(self.cure, Cure::Retry(None))
    }

    /// Whether the scanner answered at all, if only with a refusal.
    pub fn is_answer(&self) -> bool {
        !self.is_outage() && !self.is_login() && self.failure.code != FailureCode::Plugin
    }

    /// Whether the scanner refused the host's login.
    pub fn is_login(&self) -> bool {
        matches!(self.cure, Cure::CheckLogin | Cure::AwaitLogin)
    }

    pub fn permanent(code: FailureCode, message: String) -> Self {
        Self { failure: Failure { code, message }, cure: Cure::None }
    }

    pub fn transient(message: String, after: Option<Duration>) -> Self {
        Self { failure: Failure { code: FailureCode::ScannerUnavailable, message }, cure: Cure::Retry(after) }
    }
}
