//! Writes a scan's report, some lines in each call. A line depends only on its number and the scan, so a cursor is the
//! number of a line.

use std::borrow::Cow;

use scanhost_sdk::backend::scanner::{ExportPending, ExportStep, ScanError};
use serde::Serialize;

use crate::{
    catalogue::{CHECKS, Check, Severity},
    hosts,
    line::{FORMAT, Header, Host, HostLine, Kind, VERSION},
    options::FailAt,
    scan::Scan,
};

#[cfg(test)]
mod tests;

/// A chunk is handed over at this size. A line is far shorter than the 64 KiB that remain of the chunk's 256 KiB.
const CHUNK_BYTES: usize = 192 * 1024;
/// The size at which a call ends, which keeps it well within its limit of processor time.
const CALL_BYTES: usize = 4 * 1024 * 1024;

/// The step from check to check. It shares no divisor with the number of checks, so no check repeats before all were
/// used.
const STRIDE: usize = 7;
/// How far a check's port moves each time the check repeats on a host.
const PORT_STEP: usize = 101;

const SYSTEMS: [&str; 4] =
    ["Linux Kernel 6.1 on Debian 12", "Microsoft Windows Server 2019", "Linux Kernel 3.10 on CentOS 7", "FreeBSD 14"];

pub struct Report<'a> {
    scan: &'a Scan,
    hosts: Vec<String>,
}

impl<'a> Report<'a> {
    pub fn of(scan: &'a Scan) -> Self {
        Self { scan, hosts: hosts::hosts(&scan.targets).take(scan.options.hosts()).collect() }
    }

    /// Appends lines from the cursor on, until the report ends or the call has written enough.
    pub fn export(
        &self,
        cursor: Option<&str>,
        mut append: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<ExportStep, ScanError> {
        let mut next = match cursor {
            None => 0,
            Some(cursor) => cursor
                .parse()
                .map_err(|_| ScanError::Invalid("the export's cursor is not from this backend".to_owned()))?,
        };
        let (mut chunk, mut appended) = (Vec::with_capacity(256 * 1024), 0);
        let mut flush = |chunk: &mut Vec<u8>| {
            append(chunk).map_err(ScanError::Internal)?;
            appended += chunk.len();
            chunk.clear();
            Ok::<usize, ScanError>(appended)
        };
        while next < self.lines() {
            self.write_line(next, &mut chunk);
            next += 1;
            if chunk.len() >= CHUNK_BYTES && flush(&mut chunk)? >= CALL_BYTES && next < self.lines() {
                let pending = ExportPending { cursor: next.to_string(), retry_after_ms: 0 };
                return Ok(ExportStep::Pending(pending));
            }
        }
        if !chunk.is_empty() {
            flush(&mut chunk)?;
        }
        Ok(ExportStep::Done)
    }

    /// The number of lines: the header, and for each host a line and its findings.
    fn lines(&self) -> usize {
        1 + self.hosts.len() * self.lines_per_host()
    }

    fn lines_per_host(&self) -> usize {
        1 + self.scan.options.findings_per_host()
    }

    fn write_line(&self, number: usize, out: &mut Vec<u8>) {
        let start = out.len();
        match number.checked_sub(1) {
            None => write_json(out, &self.header()),
            Some(number) => {
                let name = &self.hosts[number / self.lines_per_host()];
                let host = describe(name);
                match (number % self.lines_per_host()).checked_sub(1) {
                    None => write_json(out, &HostLine { r#type: Kind::Host, host: &host }),
                    Some(index) => write_json(out, &Finding::of(&host, index)),
                }
            }
        }
        let is_last = number + 1 == self.lines();
        if is_last && self.scan.options.fail_at() == FailAt::Parse {
            out.truncate(start + (out.len() - start) / 2);
        }
        out.push(b'\n');
    }

    fn header(&self) -> Header<'_> {
        let findings = self.hosts.len() * self.scan.options.findings_per_host();
        Header {
            format: Cow::Borrowed(FORMAT),
            version: VERSION,
            task: Some(Cow::Borrowed(&self.scan.task)),
            name: Some(Cow::Borrowed(&self.scan.name)),
            targets: Cow::Borrowed(&self.scan.targets),
            hosts: u32::try_from(self.hosts.len()).expect("the option hosts is bounded"),
            findings: u32::try_from(findings).expect("the options bound hosts times findings"),
            authentication: self.scan.authentication,
        }
    }
}

fn write_json(out: &mut Vec<u8>, line: &impl Serialize) {
    serde_json::to_writer(out, line).expect("texts and numbers are JSON, and memory takes every byte");
}

fn describe(name: &str) -> Host<'_> {
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    // Some hosts have no known operating system.
    let system = SYSTEMS.get(seed(name) % (SYSTEMS.len() + 1)).copied();
    Host {
        host: name,
        host_ip: is_address.then_some(name),
        host_fqdn: (!is_address).then_some(name),
        operating_system: system,
    }
}

#[derive(Serialize)]
struct Finding<'a> {
    r#type: Kind,
    #[serde(flatten)]
    host: &'a Host<'a>,
    severity: Severity,
    severity_id: u8,
    risk_factor: &'static str,
    port: usize,
    protocol: &'static str,
    svc_name: &'static str,
    #[serde(flatten)]
    check: &'static Check,
    #[serde(skip_serializing_if = "Option::is_none")]
    cvss_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin_output: Option<String>,
}

impl<'a> Finding<'a> {
    /// The host's finding with this index.
    fn of(host: &'a Host<'a>, index: usize) -> Self {
        let check = &CHECKS[(seed(host.host) % CHECKS.len() + index * STRIDE) % CHECKS.len()];
        let port = shifted_port(check.service.port, index / CHECKS.len());
        let output = |text: &str| text.replace("{host}", host.host).replace("{port}", &port.to_string());
        Self {
            r#type: Kind::Finding,
            host,
            severity: check.severity,
            severity_id: check.severity.level(),
            risk_factor: check.severity.risk_factor(),
            port,
            protocol: check.service.protocol,
            svc_name: check.service.name,
            check,
            cvss_score: check.cvss_score(),
            plugin_output: check.output.map(output),
        }
    }
}

/// The port of a check that repeats for the nth time. Port 0 stays 0, since such a check concerns the host as a whole.
fn shifted_port(port: u16, times: usize) -> usize {
    match port {
        0 => 0,
        port => (usize::from(port) - 1 + times * PORT_STEP) % usize::from(u16::MAX) + 1,
    }
}

/// A number that is always the same for the same host (FNV-1a).
fn seed(host: &str) -> usize {
    let hash = host.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize
}
