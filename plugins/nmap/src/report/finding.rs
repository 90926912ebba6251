//! Writes findings with the fields that every profile of the host knows.

use scanhost_sdk::findings::Findings;

use super::{
    Summary,
    host::{Host, Port},
    script::Script,
    vulnerability::{Vulnerability, vulnerabilities},
};

/// The plugin id of findings about open ports. Those of scripts are far above it.
const OPEN_PORT: &str = "1";

pub struct Writer<'f> {
    findings: Findings<'f>,
}

impl<'f> Writer<'f> {
    pub fn new(findings: Findings<'f>) -> Self {
        Self { findings }
    }

    pub fn finish(self) -> Result<(), String> {
        self.findings.finish()
    }

    /// Writes the findings about an open port and its script results. Other ports have no findings.
    pub fn port(&mut self, host: &Host, port: &Port, scripts: &[Script], summary: &mut Summary) -> Result<(), String> {
        if !port.is_open {
            return Ok(());
        }
        let (name, product) = (port.service_name(), port.product());
        let what = match (name.is_empty(), product.is_empty()) {
            (_, false) => format!("{name}: {product}"),
            (false, true) => format!("{name}, not identified further"),
            (true, true) => "a service that was not identified".to_owned(),
        };
        let (number, protocol) = (&port.number, &port.protocol);
        let synopsis = format!("Port {number}/{protocol} is open: {what}");
        self.begin(host, port, OPEN_PORT, "Open port", "Service detection", 0)?;
        let f = &mut self.findings;
        f.cell("synopsis", &synopsis);
        f.cell("service_product", &port.service.product);
        f.cell("service_version", &port.service.version);
        port.cpes.iter().for_each(|cpe| f.cell("cpe", cpe));
        f.cell("plugin_output", &product);
        self.scripts(host, port, scripts, summary)
    }

    /// Writes the findings of script results.
    pub fn scripts(
        &mut self,
        host: &Host,
        port: &Port,
        scripts: &[Script],
        summary: &mut Summary,
    ) -> Result<(), String> {
        for script in scripts {
            summary.is_clipped |= script.is_clipped;
            if script.has_failed() {
                summary.script_errors += 1;
                continue;
            }
            for found in vulnerabilities(script) {
                self.script(host, port, script, &found)?;
            }
        }
        Ok(())
    }

    fn script(&mut self, host: &Host, port: &Port, script: &Script, found: &Vulnerability) -> Result<(), String> {
        let id = plugin_id(&script.id, &found.key);
        let title = found.title.as_deref().unwrap_or(&script.id);
        self.begin(host, port, &id, title, "Nmap scripts", found.severity)?;
        let f = &mut self.findings;
        let number = |score: Option<f64>| score.map(|score| format!("{score:.1}")).unwrap_or_default();
        found.cves.iter().for_each(|cve| f.cell("cve", cve));
        f.cell("cvss_score", &number(found.score));
        f.cell("cvss_base_score", &number(found.cvss2));
        f.cell("cvss3_base_score", &number(found.cvss3));
        if found.has_exploit {
            f.cell("exploit_available", "true");
        }
        f.cell("synopsis", &synopsis(script, found));
        f.cell("description", found.description.as_deref().unwrap_or_default());
        found.references.iter().for_each(|link| f.cell("see_also", link));
        f.cell("script_id", &script.id);
        f.cell("vulnerability_state", found.state.as_deref().unwrap_or_default());
        f.cell("plugin_output", script.output.trim());
        Ok(())
    }

    /// Begins a finding with the fields that each finding has.
    fn begin(
        &mut self,
        host: &Host,
        port: &Port,
        id: &str,
        name: &str,
        family: &str,
        severity: u8,
    ) -> Result<(), String> {
        self.findings.begin_finding()?;
        let f = &mut self.findings;
        let severity = severity.to_string();
        // Script results about a host have port 0, as in the reports of other scanners.
        let number = if port.number.is_empty() { "0" } else { &port.number };
        let protocol = if port.protocol.is_empty() { "tcp" } else { &port.protocol };
        for (field, value) in [
            ("host", host.label()),
            ("plugin_id", id),
            ("plugin_name", name),
            ("plugin_family", family),
            ("severity", &severity),
            ("severity_id", &severity),
            ("port", number),
            ("protocol", protocol),
            ("svc_name", &port.service_name()),
            ("host_ip", &host.address),
            ("host_fqdn", host.domain_name()),
            ("operating_system", &port.service.system),
            ("mac_address", &host.mac),
        ] {
            f.cell(field, value);
        }
        Ok(())
    }
}

/// Sums the result up in one line: the state of the vulnerability, or the first line of the script's output.
fn synopsis(script: &Script, found: &Vulnerability) -> String {
    const LONGEST: usize = 200;
    let line = script.output.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let end = line.char_indices().nth(LONGEST).map_or(line.len(), |(end, _)| end);
    let line = &line[..end];
    match (&found.state, found.cves.len()) {
        (Some(state), _) => format!("{}: {state}", script.id),
        (None, 0) => format!("{}: {line}", script.id),
        (None, 1) => format!("{}: 1 CVE", script.id),
        (None, count) => format!("{}: {count} CVEs", script.id),
    }
}

/// A number that is the same in every report, computed from the names of the script and of the vulnerability (FNV-1a).
fn plugin_id(script: &str, key: &str) -> String {
    const FIRST: u64 = 1 << 32;
    let bytes = script.bytes().chain([0]).chain(key.bytes());
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (FIRST + u64::from(hash)).to_string()
}
