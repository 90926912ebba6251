//! Warnings about a report. They tell an agent what to do.

use super::{AuthenticationStatus, Summary, Warning};
use crate::request::{ScanRequest, ScanType};

/// Adds warnings about the report that tell an agent what to do.
pub fn with_hints(mut summary: Summary, request: &ScanRequest) -> Summary {
    let mut warn = |code: &str, message: &str| {
        if !summary.warnings.iter().any(|warning| warning.code == code) {
            summary.warnings.push(Warning { code: code.into(), message: message.into() });
        }
    };
    if summary.hosts_scanned == 0 {
        warn("no_hosts", "no host answered: check that the targets are up and that the scanner can reach them");
    }
    if request.scan_type != ScanType::Untrusted {
        match summary.authentication {
            AuthenticationStatus::Failed => warn(
                "authentication_failed",
                "the credentials worked on no host, so local checks are missing: check the user name and the secret, \
                 that the scanner can reach SSH, and that the account may log in",
            ),
            AuthenticationStatus::Partial => warn(
                "authentication_partial",
                "on some hosts the credentials did not work or had too few rights, so the results there are \
                 incomplete: check the credentials and their rights on these hosts",
            ),
            AuthenticationStatus::Success | AuthenticationStatus::Unknown | AuthenticationStatus::NotApplicable => {}
        }
    }
    summary
}
