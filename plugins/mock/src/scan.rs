//! One scan: the state that the mock keeps of it, and its remote state at a given time.

use scanhost_sdk::backend::scanner::{RemoteScan, RemoteState, ScanError, ScanRequest, ScanType};
use serde::{Deserialize, Serialize};

use crate::{
    hosts,
    line::Authentication,
    options::{Auth, FailAt, Options},
};

#[cfg(test)]
mod tests;

/// The host keeps at most 64 KiB of state; what remains is for JSON and the other members.
const MAX_TARGET_BYTES: usize = 48 * 1024;
const MAX_NAME_CHARS: usize = 256;

/// The state between two calls.
///
/// It has the options as of `create`: changing the configuration does not change a running scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    pub task: String,
    pub name: String,
    /// The first targets of the request, as many as the hosts need.
    pub targets: Vec<String>,
    pub options: Options,
    pub authentication: Authentication,
    launched_ms: Option<u64>,
}

impl Scan {
    pub fn create(options: Options, request: ScanRequest) -> Result<Self, ScanError> {
        let scan = Self {
            task: request.task_id,
            name: request.name.chars().take(MAX_NAME_CHARS).collect(),
            targets: hosts::first_targets(&request.targets, options.hosts()),
            authentication: authentication(request.scan_type, options.auth()),
            options,
            launched_ms: None,
        };
        scan.fail_if_configured(FailAt::Create)?;
        if scan.targets.iter().map(String::len).sum::<usize>() > MAX_TARGET_BYTES {
            let problem = "the targets of the first hosts take more than 48 KiB: set the option hosts lower";
            return Err(ScanError::Invalid(problem.to_owned()));
        }
        Ok(scan)
    }

    pub fn read(state: &[u8]) -> Result<Self, ScanError> {
        serde_json::from_slice(state).map_err(|_| ScanError::NotFound("the state is not from this backend".to_owned()))
    }

    /// Reads the scan with this id from the state.
    pub fn load(state: &[u8], id: &str) -> Result<Self, ScanError> {
        let scan = Self::read(state)?;
        if scan.id() == id {
            Ok(scan)
        } else {
            Err(ScanError::NotFound("the state belongs to another scan".to_owned()))
        }
    }

    pub fn launch(mut self, now_ms: u64) -> Result<Self, ScanError> {
        self.fail_if_configured(FailAt::Launch)?;
        if self.launched_ms.is_some() {
            return Err(ScanError::AlreadyRunning);
        }
        self.launched_ms = Some(now_ms);
        Ok(self)
    }

    pub fn remote_state(&self, now_ms: u64) -> RemoteState {
        let Some(launched_ms) = self.launched_ms else { return RemoteState::Created };
        let elapsed = now_ms.saturating_sub(launched_ms);
        let duration = self.options.duration_ms();
        if elapsed < duration {
            return RemoteState::Running((u128::from(elapsed) * 100 / u128::from(duration)) as u8);
        }
        if self.options.fail_at() == FailAt::Status {
            return RemoteState::Failed(failure(FailAt::Status));
        }
        RemoteState::Completed
    }

    /// Fails if the option `fail_at` names this step.
    pub fn fail_if_configured(&self, step: FailAt) -> Result<(), ScanError> {
        if self.options.fail_at() == step { Err(ScanError::Invalid(failure(step))) } else { Ok(()) }
    }

    pub fn to_state(&self) -> Result<Vec<u8>, ScanError> {
        serde_json::to_vec(self).map_err(|_| ScanError::Internal("the state cannot be written".to_owned()))
    }

    pub fn into_remote(self) -> Result<RemoteScan, ScanError> {
        Ok(RemoteScan { id: self.id(), state: self.to_state()? })
    }

    fn id(&self) -> String {
        format!("mock-{}", self.task)
    }
}

fn authentication(scan_type: ScanType, auth: Auth) -> Authentication {
    match (scan_type, auth) {
        (ScanType::Untrusted, _) => Authentication::NotApplicable,
        (ScanType::Trusted | ScanType::Privileged, Auth::Success) => Authentication::Success,
        (ScanType::Trusted | ScanType::Privileged, Auth::Partial) => Authentication::Partial,
        (ScanType::Trusted | ScanType::Privileged, Auth::Failed) => Authentication::Failed,
        (ScanType::Trusted | ScanType::Privileged, Auth::Unknown) => Authentication::Unknown,
    }
}

fn failure(step: FailAt) -> String {
    let step = match step {
        FailAt::None => "none",
        FailAt::Create => "create",
        FailAt::Launch => "launch",
        FailAt::Status => "status",
        FailAt::Export => "export",
        FailAt::Parse => "parse",
    };
    format!("the option fail_at is {step}")
}
