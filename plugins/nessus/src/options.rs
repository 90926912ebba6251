//! The `options` of a Nessus scanner in the configuration.

use scanhost_sdk::backend::types::ScanError;
use serde::Deserialize;

#[cfg(test)]
mod tests;

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The name of the template of new scans.
    pub template: String,
    /// The folder of new scans; the scanner's own default when absent.
    pub folder_id: Option<u64>,
    /// Which of the scanners behind the API runs new scans.
    pub scanner_id: u64,
}

impl Default for Options {
    fn default() -> Self {
        // 1 is the local scanner, the only scanner of a Nessus that manages no others.
        Self { template: "advanced".to_owned(), folder_id: None, scanner_id: 1 }
    }
}

impl Options {
    pub fn parse(json: &str) -> Result<Self, ScanError> {
        serde_json::from_str(json).map_err(|error| ScanError::Invalid(format!("the scanner's options: {error}")))
    }
}
