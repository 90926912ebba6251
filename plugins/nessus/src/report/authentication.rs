//! Decides whether the credentials of the scan worked, from what the report says about each host.
//!
//! For a host, the tag `Credentialed_Scan` counts most, then the output of plugin 19506 (scan information), then which
//! credential plugins fired. Plugins that should run only when logged in prove nothing: several run without a login.

use scanhost_sdk::backend::{reader::Authentication, types::ScanType};

/// What the report says about the login on one host.
#[derive(Debug, Default)]
pub struct HostEvidence {
    tag: Option<bool>,
    scan_information: Option<bool>,
    /// Plugins 141118 and 117887.
    accepted: bool,
    /// Plugins 104410, 21745 and 110723.
    refused: bool,
    has_items: bool,
}

/// What the report says about the login on all hosts.
#[derive(Debug, Default)]
pub struct Evidence {
    accepted: u32,
    refused: u32,
    /// Hosts with findings, but no statement. A host without findings was not reached and does not count.
    silent: u32,
    /// Plugin 110385 (insufficient privilege) or 117885 (intermittent).
    limited: bool,
    /// Plugin 110723.
    none_provided: bool,
    /// Plugin 104410 or 21745: credentials were provided and failed.
    provided_failed: bool,
}

impl HostEvidence {
    /// Takes the value of the tag `Credentialed_Scan`.
    pub fn see_tag(&mut self, value: &[u8]) {
        self.tag = match value {
            value if value.eq_ignore_ascii_case(b"true") => Some(true),
            value if value.eq_ignore_ascii_case(b"false") => Some(false),
            _ => self.tag,
        };
    }

    /// Takes the output of plugin 19506. Its line is `Credentialed checks : yes, as 'user' via ssh`, or `no`.
    pub fn see_scan_information(&mut self, output: &[u8]) {
        const LABEL: &[u8] = b"Credentialed checks";
        let Some(place) = memchr::memmem::find(output, LABEL) else { return };
        let answer = output[place + LABEL.len()..].trim_ascii_start();
        let answer = answer.strip_prefix(b":").unwrap_or(answer).trim_ascii_start();
        self.scan_information = match answer {
            [b'y' | b'Y', b'e', b's', ..] => Some(true),
            [b'n' | b'N', b'o', ..] => Some(false),
            _ => self.scan_information,
        };
    }

    fn verdict(&self) -> Option<bool> {
        let plugins = match (self.accepted, self.refused) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        self.tag.or(self.scan_information).or(plugins)
    }
}

impl Evidence {
    /// Takes the plugin of a finding on this host.
    pub fn see_plugin(&mut self, host: &mut HostEvidence, plugin: &[u8]) {
        host.has_items = true;
        match plugin {
            b"141118" | b"117887" => host.accepted = true,
            b"104410" | b"21745" => {
                host.refused = true;
                self.provided_failed = true;
            }
            b"110723" => {
                host.refused = true;
                self.none_provided = true;
            }
            b"110385" | b"117885" => self.limited = true,
            _ => {}
        }
    }

    pub fn add(&mut self, host: &HostEvidence) {
        match host.verdict() {
            Some(true) => self.accepted += 1,
            Some(false) => self.refused += 1,
            None if host.has_items => self.silent += 1,
            None => {}
        }
    }

    /// `scan_type` is none for a file that was not made by a scan of this host: then only the report decides.
    pub fn verdict(&self, scan_type: Option<ScanType>) -> Authentication {
        let had_none = match scan_type {
            Some(ScanType::Untrusted) => true,
            Some(ScanType::Trusted | ScanType::Privileged) => false,
            None => self.accepted == 0 && self.none_provided && !self.provided_failed,
        };
        if had_none {
            Authentication::NotApplicable
        } else if self.limited || (self.accepted > 0 && self.refused + self.silent > 0) {
            Authentication::Partial
        } else if self.accepted > 0 {
            Authentication::Success
        } else if self.refused > 0 {
            Authentication::Failed
        } else {
            Authentication::Unknown
        }
    }
}
