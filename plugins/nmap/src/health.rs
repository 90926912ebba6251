//! Checks whether nmap is installed and may be run.

use scanhost_sdk::{
    backend::{scanner::ScannerHealth, types::ScanError},
    command::program::{self, Answer, Ending},
};

use crate::{ending, options::Options};

pub fn health(options: &Options) -> Result<ScannerHealth, ScanError> {
    let answer = match program::ask(&options.command, &["--version".to_owned()]) {
        Ok(answer) => answer,
        // A missing program may be installed later; a program that is not permitted needs the operator.
        Err(error) => {
            return match ending::not_started(error) {
                ScanError::Unsupported(reason) => Ok(not_ready(reason)),
                outage => Err(outage),
            };
        }
    };
    judge(answer)
}

fn judge(answer: Answer) -> Result<ScannerHealth, ScanError> {
    Ok(match answer.ending {
        Ending::Exited(0) => match version(&answer.output) {
            Some(version) => ScannerHealth { ready: true, message: format!("nmap {version}") },
            None => not_ready("the command is not nmap: it does not print its version as nmap does".to_owned()),
        },
        ending => return Err(ScanError::Unavailable(ending::explain(ending))),
    })
}

fn not_ready(message: String) -> ScannerHealth {
    ScannerHealth { ready: false, message }
}

/// Returns the version in a text like `Nmap version 7.93 ( https://nmap.org )`, if it looks like a version.
fn version(output: &[u8]) -> Option<String> {
    let output = std::str::from_utf8(output).ok()?;
    let version = output.trim_start().strip_prefix("Nmap version ")?.split_ascii_whitespace().next()?;
    let is_version = version.len() <= 32 && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    is_version.then(|| version.to_owned())
}

#[cfg(test)]
mod tests;
