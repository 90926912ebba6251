//! One call of a backend on a scan, and its result.

use scanhost_sandbox::{Fault, RemoteScan, ScannerError};

use super::{
    case::{Stop, fail},
    names::TASK,
    rig::{Stage, plain_scan},
    sample::ReportBuffer,
    scripted_scanner::Recording,
};

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

/// The result of a function.
#[derive(Debug)]
pub enum CallResult {
    /// The returned value, as text to compare.
    Value(String),
    Error(ScannerError),
    Fault(Fault),
}

impl CallResult {
    /// Whether the host tries again after this error.
    pub fn is_retried(&self) -> bool {
        matches!(
            self,
            Self::Error(ScannerError::Unavailable(_) | ScannerError::Internal(_) | ScannerError::RateLimited(_))
        )
    }

    /// The text for messages, also as the scan's error has it.
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
    pub result: CallResult,
    pub recording: Recording,
}

impl Stage<'_> {
    /// Calls the function once. A fault of the call fails the case.
    pub async fn call(&self, function: Function, remote: &RemoteScan) -> Result<CallResult, Stop> {
        match self.probe(function, remote).await.result {
            CallResult::Fault(fault) => fail(format!("`{}` {fault}", function.name())),
            result => Ok(result),
        }
    }

    /// Calls the function once, and returns what it did as well.
    pub async fn probe(&self, function: Function, remote: &RemoteScan) -> Probe {
        let backend = &self.rig.backend;
        let (reach, context) = (self.reach(), self.context(&remote.state));
        let id = remote.id.as_str();
        let result = match function {
            Function::Health => call_result(backend.health(reach, context).await),
            Function::Create => call_result(backend.create(reach, self.context(b""), plain_scan()).await),
            Function::Find => call_result(backend.find(reach, context, TASK).await),
            Function::ListScans => call_result(backend.list_scans(reach, context).await),
            Function::Launch => call_result(backend.launch(reach, context, id).await),
            Function::Status => call_result(backend.status(reach, context, id).await),
            Function::Stop => call_result(backend.stop(reach, context, id).await),
            Function::Remove => call_result(backend.remove(reach, context, id).await),
            Function::ExportReport => {
                let report = Box::new(ReportBuffer::default());
                call_result(backend.export_report(reach, report, context, id, None).await)
            }
        };
        Probe { function, result, recording: self.scanner.recording() }
    }
}

fn call_result<T: std::fmt::Debug>(answer: Result<Result<T, ScannerError>, Fault>) -> CallResult {
    match answer {
        Ok(Ok(value)) => CallResult::Value(format!("{value:?}")),
        Ok(Err(error)) => CallResult::Error(error),
        Err(fault) => CallResult::Fault(fault),
    }
}
