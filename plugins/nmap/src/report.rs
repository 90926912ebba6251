//! Reads an XML report of nmap piece by piece, with one port in memory at a time.
//!
//! An open port is a finding, and so is each script result about a port or a host. The reader does not know where the
//! bytes come from or where the findings go.

mod document;
mod finding;
mod host;
mod script;
mod vulnerability;

#[cfg(test)]
mod tests;

use scanhost_sdk::{
    backend::reader::Warning,
    findings::Findings,
    xml::{Chunks, Malformed},
};

/// What a report says apart from its findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The number of hosts that answered.
    pub hosts_up: u32,
    pub hosts_down: u32,
    /// The number of scripts that failed.
    pub script_errors: u32,
    /// Whether nmap says that it succeeded.
    pub is_success: bool,
    /// Whether parts of script results were left out because they were too long or too many.
    pub is_clipped: bool,
}

/// Reads the whole report. Findings before an error may already have been handed over.
pub fn read(chunks: impl Chunks, findings: Findings<'_>) -> Result<Summary, Malformed> {
    document::read(chunks, findings)
}

impl Summary {
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |code: &str, message: String| warnings.push(Warning { code: code.to_owned(), message });
        if self.hosts_down > 0 {
            let (down, all) = (self.hosts_down, self.hosts_down.saturating_add(self.hosts_up));
            warn("hosts_down", format!("{down} of {all} hosts did not answer, and were not scanned"));
        }
        if self.script_errors > 0 {
            warn("script_errors", format!("nmap scripts failed {} times", self.script_errors));
        }
        if !self.is_success {
            warn("incomplete", "nmap does not say that it finished without an error".to_owned());
        }
        if self.is_clipped {
            warn("clipped", "very long script results were cut; only the native report has all of them".to_owned());
        }
        warnings
    }
}
