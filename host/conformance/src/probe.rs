//! One call of a backend on a scan, and what came of it.

use scanhost_sandbox::{Fault, RemoteScan, ScannerError};

use super::{case::{Stop, fail}, rig::{Scene, TASK, plain_scan}, sample::Written, scripted::Seen};

/// The functions that talk to a scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Health,
    Create,
    Find,
    ListScans,
    Launch,
    Status,
    Stop,
    Remove,
    ExportReport,
}

impl Function {
    pub const ALL: [Self; 9] = [
        Self::Health,
        Self::Create,
        Self::Find,
        Self::ListScans,
        Self::Launch,
        Self::Status,
        Self::Stop,
        Self::Remove,
        Self::ExportReport,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Create => "create",
            Self::Find => "find",
            Self::ListScans => "list-scans",
            Self::Launch => "launch",
            Self::Status => "status",
            Self::Stop => "stop",
            Self::Remove => "remove",
            Self::ExportReport => "export-report",
        }
    }
}

/// What a function said.
#[derive(Debug)]
pub enum Said {
    /// Its value, as text to compare.
    Value(String),
    Error(ScannerError),
    Fault(Fault),
}

impl Said {
    /// Whether the host tries again.
    pub fn is_retried(&self) -> bool {
        matches!(
            self,
            Self::Error(ScannerError::Unavailable(_) | ScannerError::Internal(_) | ScannerError::RateLimited(_))
        )
    }

    /// The text that the log and the scan's error get.
    pub fn text(&self) -> String {
        match self {
            Self::Value(value) => value.clone(),
            Self::Error(error) => format!("{error:?}"),
            Self::Fault(fault) => fault.to_string(),
        }
    }
}

pub struct Probe {
    pub function: Function,
    pub said: Said,
    pub seen: Seen,
}

impl Scene<'_> {
    /// What the function says, which has to be an answer.
    pub async fn said(&self, function: Function, remote: &RemoteScan) -> Result<Said, Stop> {
        match self.probe(function, remote).await.said {
            Said::Fault(fault) => fail(format!("`{}` {fault}", function.name())),
            said => Ok(said),
        }
    }

    /// Calls the function once.
    pub async fn probe(&self, function: Function, remote: &RemoteScan) -> Probe {
        let backend = &self.rig.backend;
        let (reach, context) = (self.reach(), self.context(&remote.state));
        let id = remote.id.as_str();
        let said = match function {
            Function::Health => said(backend.health(reach, context).await),
            Function::Create => said(backend.create(reach, self.context(b""), plain_scan()).await),
            Function::Find => said(backend.find(reach, context, TASK).await),
            Function::ListScans => said(backend.list_scans(reach, context).await),
            Function::Launch => said(backend.launch(reach, context, id).await),
            Function::Status => said(backend.status(reach, context, id).await),
            Function::Stop => said(backend.stop(reach, context, id).await),
            Function::Remove => said(backend.remove(reach, context, id).await),
            Function::ExportReport => {
                let report = Box::new(Written::default());
                said(backend.export_report(reach, report, context, id, None).await)
            }
        };
        Probe { function, said, seen: self.scanner.seen() }
    }
}

fn said<T: std::fmt::Debug>(answer: Result<Result<T, ScannerError>, Fault>) -> Said {
    match answer {
        Ok(Ok(value)) => Said::Value(format!("{value:?}")),
        Ok(Err(error)) => Said::Error(error),
        Err(fault) => Said::Fault(fault),
    }
}
