//! Generated reports, and the counts of severities in any report.

use bytes::Bytes;

use crate::scan::Scan;

/// The number of findings by severity, from 0 (info) to 4 (critical).
pub type Severities = [u64; 5];

/// Generates a small valid report whose findings contain the marker of the scan. It is the same in every call.
pub fn generate(scan: &Scan, hosts: &[String]) -> Bytes {
    let (name, marker) = (escape(&scan.name), escape(&scan.marker));
    let mut report = format!(
        "<?xml version=\"1.0\" ?>\n<NessusClientData_v2>\n<Policy><policyName>Advanced Scan</policyName></Policy>\n\
         <Report name=\"{name}\" xmlns:cm=\"http://www.nessus.org/cm\">\n"
    );
    for host in hosts {
        report.push_str(&host_element(&escape(host), &marker, scan.has_credentials));
    }
    report.push_str("</Report>\n</NessusClientData_v2>\n");
    report.into()
}

fn host_element(host: &str, marker: &str, has_credentials: bool) -> String {
    let credentialed = if has_credentials { "yes, as 'scan' via ssh" } else { "no" };
    format!(
        "<ReportHost name=\"{host}\"><HostProperties>\n\
         <tag name=\"Credentialed_Scan\">{has_credentials}</tag>\n<tag name=\"host-ip\">{host}</tag>\n\
         <tag name=\"operating-system\">Linux</tag>\n</HostProperties>\n\
         <ReportItem port=\"0\" svc_name=\"general\" protocol=\"tcp\" severity=\"0\" pluginID=\"19506\" \
         pluginName=\"Nessus Scan Information\" pluginFamily=\"Settings\">\n\
         <risk_factor>None</risk_factor>\n<synopsis>Information about the scan.</synopsis>\n\
         <plugin_output>Scan name : {marker}\nCredentialed checks : {credentialed}\n</plugin_output>\n</ReportItem>\n\
         <ReportItem port=\"22\" svc_name=\"ssh\" protocol=\"tcp\" severity=\"3\" pluginID=\"999001\" \
         pluginName=\"Made For {marker}\" pluginFamily=\"General\">\n\
         <cve>CVE-2024-0001</cve>\n<cvss3_base_score>7.5</cvss3_base_score>\n<risk_factor>High</risk_factor>\n\
         <exploit_available>true</exploit_available>\n<synopsis>A finding of one scan only.</synopsis>\n\
         <plugin_output>marker {marker} on {host}</plugin_output>\n</ReportItem>\n</ReportHost>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Counts findings by their `ReportItem` start tags, without parsing the XML. This is enough, since Nessus writes
/// `severity` before any attribute whose text could contain a `>`.
pub fn severities(report: &[u8]) -> Severities {
    const ITEM: &[u8] = b"<ReportItem";
    const SEVERITY: &[u8] = b" severity=\"";
    let mut counts = Severities::default();
    let mut rest = report;
    while let Some(start) = find(rest, ITEM) {
        rest = &rest[start + ITEM.len()..];
        let tag = &rest[..find(rest, b">").unwrap_or(rest.len())];
        let digit = find(tag, SEVERITY).and_then(|at| tag.get(at + SEVERITY.len()));
        // A finding without the attribute counts as information.
        let severity = digit.and_then(|digit| char::from(*digit).to_digit(5)).unwrap_or(0);
        counts[severity as usize] += 1;
    }
    counts
}

/// Finds the part in the text. It searches for the first byte, since that is fast on reports of a gigabyte.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].iter().position(|byte| *byte == part[0])?;
        if text[at..].starts_with(part) {
            return Some(at);
        }
        from = at + 1;
    }
}
