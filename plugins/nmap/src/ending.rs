//! What it means if nmap ended or did not start.

use scanhost_sdk::{
    backend::{scanner::RemoteState, types::ScanError},
    command::program::{Ending, Limit, RunError},
};

/// Builds the error of a program that did not start. The reasons are the host's and do not quote nmap.
pub fn not_started(error: RunError) -> ScanError {
    match error {
        RunError::Denied(reason) => ScanError::Unsupported(format!("nmap may not be run: {reason}")),
        RunError::Missing(reason) | RunError::Failed(reason) => {
            ScanError::Unavailable(format!("nmap cannot be run: {reason}"))
        }
        RunError::AlreadyRunning => ScanError::AlreadyRunning,
    }
}

/// The remote state after nmap ended. The reader checks whether the report is complete.
pub fn state(ending: Ending) -> RemoteState {
    match ending {
        Ending::Exited(0) => RemoteState::Completed,
        ending => RemoteState::Failed(explain(ending)),
    }
}

pub fn explain(ending: Ending) -> String {
    match ending {
        Ending::Exited(code) => format!("nmap ended with exit code {code}"),
        Ending::Signalled(signal) => format!("nmap was ended by signal {signal}"),
        Ending::NotExecuted(reason) => format!("nmap could not be executed: {reason}"),
        Ending::Exceeded(limit) => {
            let (what, key) = match limit {
                Limit::Time => ("time", "seconds"),
                Limit::Memory => ("memory", "memory_mib"),
                Limit::Output => ("output", "output_mib"),
                Limit::Processes => ("process", "processes"),
            };
            format!("nmap was killed at its {what} limit: `limits.{key}` of its command in scanhost.yaml sets it")
        }
    }
}
