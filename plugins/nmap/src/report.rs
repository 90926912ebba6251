//! Reads a report that nmap wrote as XML, piece by piece; a port at a time is in memory.
//!
//! A port that is open is a finding, and so is what a script says about it or about the host. Nothing here knows where
//! the bytes come from or where the findings go.

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

/// What a report says beside its findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Hosts that answered.
    pub hosts_up: u32,
    pub hosts_down: u32,
    /// Scripts that failed.
    pub script_errors: u32,
    /// Whether nmap says that it did what it was asked for.
    pub is_success: bool,
    /// Whether something of a script's result was too long or too much, and left out.
    pub is_clipped: bool,
}

/// Reads the whole report. Findings that were found before an error may have been handed over.
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
            warn("script_errors", format!("{} times a script of nmap failed", self.script_errors));
        }
        if !self.is_success {
            warn("incomplete", "nmap does not say that it finished without an error".to_owned());
        }
        if self.is_clipped {
            warn("clipped", "of very long results of scripts the rest is in the native report only".to_owned());
        }
        warnings
    }
}
