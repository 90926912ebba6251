//! What the operator sets for a scanner of this kind. Agents have no say in it.

use scanhost_sdk::backend::types::ScanError;
use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The name of the command in scanhost.yaml.
    pub command: String,
    /// Which ports, such as `22,80,8000-8100`; without them, and without `top_ports`, those that nmap thinks are the
    /// 1,000 most common.
    pub ports: Option<String>,
    /// So many of the most common ports.
    pub top_ports: Option<u16>,
    /// Scripts and categories of them, such as `default,vuln`; `none` for no scripts.
    pub scripts: String,
    pub technique: Technique,
    /// nmap's timing template, 0 to 5.
    pub timing: u8,
    /// Whether hosts that do not answer a ping are left out.
    pub ping: bool,
    /// Whether names of addresses are looked up.
    pub resolve: bool,
    /// How hard versions are looked for, 0 to 9.
    pub version_intensity: Option<u8>,
    /// When a slow host is given up.
    pub host_timeout_minutes: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Technique {
    /// Whole connections, which need no rights.
    Connect,
    /// Half-open ones, which need to be root or to have `CAP_NET_RAW`.
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
    /// # Errors
    /// With everything that is wrong.
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
        permit(ports.is_none_or(are_ports), "`ports` are numbers and ranges, such as 22,80,8000-8100");
        permit(self.ports.is_none() || self.top_ports.is_none(), "`ports` and `top_ports` exclude each other");
        permit(self.top_ports != Some(0), "`top_ports` is at least 1");
        permit(are_scripts(&self.scripts), "`scripts` are names of scripts and categories, such as default,vuln");
        permit(self.timing <= 5, "`timing` is from 0 to 5");
        permit(self.version_intensity.is_none_or(|level| level <= 9), "`version_intensity` is from 0 to 9");
        permit(self.host_timeout_minutes != Some(0), "`host_timeout_minutes` is at least 1");
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

/// Names alone: no paths, and none of the operators of nmap's own little language.
fn are_scripts(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_name = |name: &str| !name.is_empty() && !name.starts_with('-') && name.bytes().all(is_word);
    text.len() <= 1_000 && text.split(',').all(is_name)
}

#[cfg(test)]
mod tests;
