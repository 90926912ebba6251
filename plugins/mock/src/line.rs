//! The mock's native report: JSON lines.
//!
//! The first line is the header. Then each host has a line, followed by the lines of its findings. In both, `type`
//! comes first, so that a reader knows the kind of a line before it reads the rest. The other members of a finding are
//! its fields, of any name; a list has one element for each value, and null means no value.

use std::borrow::Cow;

use scanhost_sdk::backend::reader;
use serde::{Deserialize, Serialize};

pub const FORMAT: &str = "scanhost-mock";
pub const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub struct Header<'a> {
    pub format: Cow<'a, str>,
    pub version: u32,
    pub task: Option<Cow<'a, str>>,
    pub name: Option<Cow<'a, str>>,
    pub targets: Cow<'a, [String]>,
    /// The number of host lines that follow.
    pub hosts: u32,
    /// The number of finding lines that follow.
    pub findings: u32,
    pub authentication: Authentication,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    Success,
    Partial,
    Failed,
    Unknown,
    NotApplicable,
}

impl From<Authentication> for reader::Authentication {
    fn from(authentication: Authentication) -> Self {
        match authentication {
            Authentication::Success => Self::Success,
            Authentication::Partial => Self::Partial,
            Authentication::Failed => Self::Failed,
            Authentication::Unknown => Self::Unknown,
            Authentication::NotApplicable => Self::NotApplicable,
        }
    }
}

/// What a line after the header is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Host,
    Finding,
}

#[derive(Serialize)]
pub struct HostLine<'a> {
    pub r#type: Kind,
    #[serde(flatten)]
    pub host: &'a Host<'a>,
}

/// The fields of a host, which are also those of each of its findings.
#[derive(Serialize)]
pub struct Host<'a> {
    pub host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_fqdn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<&'a str>,
}
