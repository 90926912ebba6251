//! The `options` of an nmap scanner, which the operator sets. Agents cannot change them.

use scanhost_sdk::backend::types::ScanError;
use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The name of the command in scanhost.yaml.
    pub command: String,
    /// The ports, such as `22,80,8000-8100`; without these and `top_ports`, nmap scans the 1,000 most common ports.
    pub ports: Option<String>,
    /// How many of the most common ports to scan.
    pub top_ports: Option<u16>,
    /// Names of scripts and categories, such as `default,vuln`; `none` for no scripts.
    pub scripts: String,
    pub technique: Technique,
    /// nmap's timing template, 0 to 5.
    pub timing: u8,
    /// Whether to leave out hosts that do not answer a ping.
    pub ping: bool,
    /// Whether to look up the names of addresses.
    pub resolve: bool,
    /// How much effort nmap spends on detecting versions, 0 to 9.
    pub version_intensity: Option<u8>,
    /// The time after which a slow host is given up.
    pub host_timeout_minutes: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Technique {
    /// Full connections, which need no special rights.
    Connect,
    /// Half-open connections, which need root or `CAP_NET_RAW`.
    Syn,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            command: "nmap".to_owned(),
            ports: None,
            top_ports: None,
            scripts: "default".to_owned(),
            technique: Technique::Connect,
            timing: 3,
            ping: true,
            resolve: false,
            version_intensity: None,
            host_timeout_minutes: None,
        }
    }
}

impl Options {
    /// Parses the options. The error names every wrong option.
    pub fn parse(json: &str) -> Result<Self, ScanError> {
        let options: Self =
            serde_json::from_str(json).map_err(|error| ScanError::Invalid(format!("in `options`: {error}")))?;
        let problems = options.problems();
        if problems.is_empty() { Ok(options) } else { Err(ScanError::Invalid(problems.join("; "))) }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut permit = |is_right: bool, rule: &str| {
            if !is_right {
                problems.push(format!("in `options`: {rule}"));
            }
        };
        let ports = self.ports.as_deref();
        permit(ports.is_none_or(are_ports), "`ports` must be numbers and ranges, such as 22,80,8000-8100");
        permit(self.ports.is_none() || self.top_ports.is_none(), "`ports` and `top_ports` exclude each other");
        permit(self.top_ports != Some(0), "`top_ports` must be at least 1");
        permit(are_scripts(&self.scripts), "`scripts` must be names of scripts and categories, such as default,vuln");
        permit(self.timing <= 5, "`timing` must be from 0 to 5");
        permit(self.version_intensity.is_none_or(|level| level <= 9), "`version_intensity` must be from 0 to 9");
        permit(self.host_timeout_minutes != Some(0), "`host_timeout_minutes` must be at least 1");
        problems
    }
}

fn are_ports(text: &str) -> bool {
    let is_port = |port: &str| !port.starts_with('0') && port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_item = |item: &str| match item.split_once('-') {
        Some((first, last)) => is_port(first) && is_port(last),
        None => is_port(item),
    };
    text.len() <= 1_000 && text.split(',').all(is_item)
}

/// Allows only names: no paths, and no operators of nmap's script expressions.
fn are_scripts(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_name = |name: &str| !name.is_empty() && !name.starts_with('-') && name.bytes().all(is_word);
    text.len() <= 1_000 && text.split(',').all(is_name)
}

#[cfg(test)]
mod tests;
