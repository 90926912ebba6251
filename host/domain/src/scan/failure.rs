//! The reasons why scans fail.

/// Why a scan failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: FailureCode,
    /// A message of one line for the agent.
    pub message: String,
}

/// The kinds of failure that agents and operators distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureCode {
    /// The scanner refused the request itself.
    Rejected,
    /// The scanner refused the host's login.
    ScannerLogin,
    /// The remote scan no longer exists at the scanner.
    RemoteScanLost,
    /// The remote scan ended early.
    RemoteScanFailed,
    /// The scanner's edition or version does not support the request.
    Unsupported,
    /// For too long, the scanner could not be reached or did not work.
    ScannerUnavailable,
    /// The plugin failed.
    Plugin,
    /// The scanner did not finish preparing the report.
    ExportStuck,
    /// The report cannot be read.
    BadReport,
    /// The scan's worker was lost, and its backend cannot resume a scan.
    WorkerLost,
    /// Too many processes in a row died while they worked on the scan.
    Poison,
    /// The pool, scanner, plugin or credential that the scan needs is no longer configured.
    Configuration,
    /// This host cannot use its own files.
    Host,
}

impl FailureCode {
    pub const ALL: [FailureCode; 13] = [
        Self::Rejected,
        Self::ScannerLogin,
        Self::RemoteScanLost,
        Self::RemoteScanFailed,
        Self::Unsupported,
        Self::ScannerUnavailable,
        Self::Plugin,
        Self::ExportStuck,
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
            Self::ExportStuck => "export_stuck",
            Self::BadReport => "bad_report",
            Self::WorkerLost => "worker_lost",
            Self::Poison => "poison",
            Self::Configuration => "configuration",
            Self::Host => "host",
        }
    }
}
