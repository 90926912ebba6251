//! The `options` of a mock scanner in the configuration. An unknown or wrong option is an error, never a default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

#[cfg(test)]
mod tests;

/// The most findings of a scan, which bounds its work.
const MAX_FINDINGS: u32 = 1_000_000;
/// The most hosts of a scan: as many as the addresses that a scan may have by default.
const MAX_HOSTS: u32 = 65_536;

const KEYS: &str = "duration_seconds, hosts, findings_per_host, fail_at, auth";

/// Invariant: `hosts` and the product of `hosts` and `findings_per_host` are within the limits above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// How long a scan runs, from `duration_seconds`.
    duration_ms: u64,
    /// How many hosts of the targets answer at most.
    hosts: u32,
    findings_per_host: u32,
    fail_at: FailAt,
    auth: Auth,
}

/// The step that always fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailAt {
    None,
    Create,
    Launch,
    /// The scan ends in the state failed.
    Status,
    Export,
    /// The report is malformed.
    Parse,
}

/// What the report says about the login of a trusted scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    Success,
    Partial,
    Failed,
    Unknown,
}

impl Default for Options {
    fn default() -> Self {
        Self { duration_ms: 5_000, hosts: 3, findings_per_host: 20, fail_at: FailAt::None, auth: Auth::Success }
    }
}

impl Options {
    /// Parses the options. The error names every wrong key.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Values stay text: `serde_json::Value` has a hash map, which would import random numbers from the host.
        let Ok(given) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) else {
            return Err("options: should be an object".to_owned());
        };
        let mut options = Self::default();
        let mut problems: Vec<String> =
            given.iter().filter_map(|(key, value)| options.set(key, value.get()).err()).collect();
        if options.findings() > u64::from(MAX_FINDINGS) {
            problems.push(format!("options.findings_per_host: multiplied by hosts it may be at most {MAX_FINDINGS}"));
        }
        if problems.is_empty() { Ok(options) } else { Err(problems.join("; ")) }
    }

    pub fn duration_ms(&self) -> u64 {
        self.duration_ms
    }

    pub fn hosts(&self) -> usize {
        self.hosts as usize
    }

    pub fn findings_per_host(&self) -> usize {
        self.findings_per_host as usize
    }

    pub fn fail_at(&self) -> FailAt {
        self.fail_at
    }

    pub fn auth(&self) -> Auth {
        self.auth
    }

    fn findings(&self) -> u64 {
        u64::from(self.hosts) * u64::from(self.findings_per_host)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "duration_seconds" => self.duration_ms = milliseconds(value)?,
            "hosts" => self.hosts = count(key, value, MAX_HOSTS)?,
            "findings_per_host" => self.findings_per_host = count(key, value, MAX_FINDINGS)?,
            "fail_at" => self.fail_at = word(key, value, "none, create, launch, status, export or parse")?,
            "auth" => self.auth = word(key, value, "success, partial, failed or unknown")?,
            _ => return Err(format!("options.{key}: unknown key, the known keys are {KEYS}")),
        }
        Ok(())
    }
}

fn milliseconds(value: &str) -> Result<u64, String> {
    let seconds: Option<f64> = serde_json::from_str(value).ok();
    let seconds =
        seconds.filter(|seconds| *seconds >= 0.0).ok_or("options.duration_seconds: should be a number, 0 or more")?;
    // The cast saturates, which is long enough.
    Ok((seconds * 1000.0).round() as u64)
}

fn count(key: &str, value: &str, max: u32) -> Result<u32, String> {
    let count: Option<u32> = serde_json::from_str(value).ok();
    count
        .filter(|count| *count <= max)
        .ok_or_else(|| format!("options.{key}: should be a whole number from 0 to {max}"))
}

fn word<T: DeserializeOwned>(key: &str, value: &str, words: &str) -> Result<T, String> {
    serde_json::from_str(value).map_err(|_| format!("options.{key}: should be {words}"))
}
