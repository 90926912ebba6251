//! Why scans fail.

/// Why a scan failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: FailureCode,
    /// One line for the agent.
    pub message: String,
}

/// The kinds of failure that agents and operators tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureCode {
    /// The scanner refused the request as such.
    Rejected,
    /// The scanner refused the host's own login.
    ScannerLogin,
    /// The scanner lost the scan.
    RemoteScanLost,
    /// The scan ended early at the scanner.
    RemoteScanFailed,
    /// The scanner's edition or version cannot do it.
    Unsupported,
    /// The scanner could not be reached, or did not work, for too long.
    ScannerUnavailable,
    /// The plugin failed.
    Plugin,
    /// The report cannot be read.
    BadReport,
    /// Its worker was lost and the backend cannot resume.
    WorkerLost,
    /// It was recovered too often.
    Poison,
    /// The pool, scanner, plugin or credential that it needs is no longer configured.
    Configuration,
    /// This host cannot use its own files.
    Host,
}

impl FailureCode {
    pub const ALL: [FailureCode; 12] = [
        Self::Rejected,
        Self::ScannerLogin,
        Self::RemoteScanLost,
        Self::RemoteScanFailed,
        Self::Unsupported,
        Self::ScannerUnavailable,
        Self::Plugin,
        Self::BadReport,
        Self::WorkerLost,
        Self::Poison,
        Self::Configuration,
        Self::Host,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::ScannerLogin => "scanner_login",
            Self::RemoteScanLost => "remote_scan_lost",
            Self::RemoteScanFailed => "remote_scan_failed",
            Self::Unsupported => "unsupported",
            Self::ScannerUnavailable => "scanner_unavailable",
            Self::Plugin => "plugin",
            Self::BadReport => "bad_report",
            Self::WorkerLost => "worker_lost",
            Self::Poison => "poison",
            Self::Configuration => "configuration",
            Self::Host => "host",
        }
    }
}
