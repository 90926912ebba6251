//! The checks of the mock: checks of all severities, each with the fields that a real scanner would report.
//! Some lack a solution, a score, a reference or a statement on exploits, as real ones do.

use serde::Serialize;

mod checks;
#[cfg(test)]
mod tests;

pub use checks::CHECKS;

/// One check, and the fields that are the same in each of its findings.
#[derive(Debug, Serialize)]
pub struct Check {
    plugin_id: u32,
    plugin_name: &'static str,
    plugin_family: &'static str,
    #[serde(skip)]
    pub severity: Severity,
    #[serde(skip)]
    pub service: Service,
    synopsis: &'static str,
    description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    solution: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    see_also: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cve: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cwe: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    xref: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    cvss_base_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cvss3_base_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cvss3_vector: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cvss4_base_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpr_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epss_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exploit_available: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exploit_framework_metasploit: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exploited_by_malware: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsupported_by_vendor: Option<bool>,
    /// The output of the check; `{host}` and `{port}` stand for those of the finding.
    #[serde(skip)]
    pub output: Option<&'static str>,
}

impl Check {
    /// The best base score available: v4, else v3, else v2.
    pub fn cvss_score(&self) -> Option<f64> {
        self.cvss4_base_score.or(self.cvss3_base_score).or(self.cvss_base_score)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub fn level(self) -> u8 {
        self as u8
    }

    pub fn risk_factor(self) -> &'static str {
        match self {
            Self::Info => "None",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }
}

/// The service that a check is about.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// The port; 0 if the check concerns the host as a whole.
    pub port: u16,
    pub protocol: &'static str,
    pub name: &'static str,
}
