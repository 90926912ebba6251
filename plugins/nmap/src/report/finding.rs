//! Findings, with the fields that every profile of the host knows.

use scanhost_sdk::findings::Findings;

use super::{
    Summary,
    host::{Host, Port},
    script::Script,
    vulnerability::{Vulnerability, found_by},
};

/// The number of the finding that a port is open. Those of scripts are far above.
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

    /// An open port, and what the scripts say about it. Others are none.
    pub fn port(&mut self, host: &Host, port: &Port, scripts: &[Script], summary: &mut Summary) -> Result<(), String> {
        if !port.is_open {
            return Ok(());
        }
        let (name, product) = (port.service_name(), port.product());
        let what = match (name.is_empty(), product.is_empty()) {
            (_, false) => format!("{name}: {product}"),
            (false, true) => format!("{name}, not recognised any closer"),
            (true, true) => "a service that was not recognised".to_owned(),
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

    /// What the scripts say.
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
            for found in found_by(script) {
                self.script(host, port, script, &found)?;
            }
        }
        Ok(())
    }

    fn script(&mut self, host: &Host, port: &Port, script: &Script, found: &Vulnerability) -> Result<(), String> {
        let id = number_of(&script.id, &found.key);
        let title = found.title.as_deref().unwrap_or(&script.id);
        self.begin(host, port, &id, title, "Nmap scripts", found.severity)?;
        let f = &mut self.findings;
        let number = |score: Option<f64>| score.map(|score| format!("{score:.1}")).unwrap_or_default();
        found.cves.iter().for_each(|cve| f.cell("cve", cve));
        f.cell("cvss_score", &number(found.score));
        f.cell("cvss_base_score", &number(found.score2));
        f.cell("cvss3_base_score", &number(found.score3));
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

    /// The fields that each finding begins with.
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
        // What a script says about a host and not about a port is said of the port 0, as in the reports of others.
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

/// In one line: the state of a vulnerability, or the first line of what the script says.
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

/// The same number in every report, from the name of the script and of what it found (FNV-1a).
fn number_of(script: &str, key: &str) -> String {
    const ABOVE_OTHERS: u64 = 1 << 32;
    let bytes = script.bytes().chain([0]).chain(key.bytes());
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (ABOVE_OTHERS + u64::from(hash)).to_string()
}
