use std::fmt::Write as _;

use scanhost_sdk::{backend::findings::Batch, findings::Findings, xml::Chunks};

use super::{Summary, read};

const LAB: &str = include_str!("../../fixtures/lab.xml");

struct Pieces<'a>(&'a [u8], usize);

impl Chunks for Pieces<'_> {
    fn next_chunk(&mut self) -> Result<Vec<u8>, String> {
        let (piece, rest) = self.0.split_at(self.0.len().min(self.1));
        self.0 = rest;
        Ok(piece.to_vec())
    }
}

/// Returns one line for each finding, with its values as `field=value`, in the order of the report.
fn lines(report: &str, piece: usize) -> Result<(Summary, Vec<String>), String> {
    let (mut fields, mut found) = (Vec::new(), Vec::new());
    let sink = |batch: &Batch| {
        fields.extend(batch.new_fields.iter().cloned());
        let mut cells = batch.cells.iter();
        for count in &batch.findings {
            let mut line = String::new();
            for cell in cells.by_ref().take(*count as usize) {
                let range = cell.offset as usize..(cell.offset + cell.length) as usize;
                let value = std::str::from_utf8(&batch.arena[range]).unwrap();
                write!(line, "{}={value};", fields[cell.field as usize]).unwrap();
            }
            found.push(line);
        }
        Ok(())
    };
    let summary =
        read(Pieces(report.as_bytes(), piece), Findings::into_sink(sink)).map_err(|error| error.to_string())?;
    Ok((summary, found))
}

fn lab() -> Vec<String> {
    lines(LAB, 1 << 20).unwrap().1
}

/// Returns the only line of the lab report that contains all of these parts.
fn only_line_with(parts: &[&str]) -> String {
    let found: Vec<_> = lab().into_iter().filter(|line| parts.iter().all(|part| line.contains(part))).collect();
    assert_eq!(found.len(), 1, "{parts:?}: {found:#?}");
    found[0].clone()
}

#[test]
fn open_ports_are_findings_with_their_versions() {
    for (port, service, synopsis) in [
        ("12222", "ssh", "Port 12222/tcp is open: ssh: OpenSSH 9.2p1 Debian 2+deb12u10 (protocol 2.0)"),
        ("16379", "redis", "Port 16379/tcp is open: redis: Redis key-value store"),
        ("18080", "http", "Port 18080/tcp is open: http: SimpleHTTPServer 0.6 (Python 3.11.7)"),
    ] {
        let line = only_line_with(&[&format!("port={port};"), "plugin_id=1;"]);
        for part in ["host=127.0.0.1;", "severity=0;", "protocol=tcp;", &format!("svc_name={service};"), synopsis] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    assert!(!lab().iter().any(|line| line.contains("port=81;")), "a closed port is no finding");
    assert!(only_line_with(&["port=12222;", "plugin_id=1;"]).contains("cpe=cpe:/a:openbsd:openssh:9.2p1;"));
}

#[test]
fn script_results_have_their_vulnerabilities() {
    for (script, with, without) in [
        (
            "vulners",
            &["severity=4;", "cve=CVE-2023-38408;cve=CVE-2023-51385;", "cvss_score=9.8;", "exploit_available=true;"][..],
            &["cvss3_base_score"][..],
        ),
        (
            "http-vuln-cve2014-3704",
            &[
                "plugin_name=Drupal pre Auth SQL Injection Vulnerability;",
                "severity=3;",
                "cve=CVE-2014-3704;",
                "cvss_score=7.5;",
                "cvss_base_score=7.5;",
                "exploit_available=true;",
                "description=The expandArguments function",
                "see_also=https://cve.mitre.org",
                "vulnerability_state=VULNERABLE (Exploitable);",
            ],
            &[],
        ),
        ("http-slowloris-check", &["severity=1;", "cve=CVE-2007-6750;"], &["cvss_score"]),
        ("http-vuln-cve2017-5638", &["severity=0;", "vulnerability_state=NOT VULNERABLE;"], &["cve="]),
        ("vulscan", &["severity=0;", "cve=CVE-2012-4557;cve=CVE-2011-3639;synopsis="], &["cvss_score"]),
        ("smb-vuln-ms10-061", &["port=0;", "protocol=tcp;", "severity=0;"], &["cve="]),
        ("http-title", &["severity=0;", "synopsis=http-title: Directory listing for /;", "port=18080;"], &["cve="]),
    ] {
        let line = only_line_with(&[&format!("script_id={script};")]);
        with.iter().for_each(|part| assert!(line.contains(part), "{part}: {line}"));
        without.iter().for_each(|part| assert!(!line.contains(part), "{part}: {line}"));
    }
}

#[test]
fn down_hosts_and_failed_scripts_are_counted() {
    let (summary, findings) = lines(LAB, 1 << 20).unwrap();
    assert_eq!((summary.hosts_up, summary.hosts_down, summary.script_errors), (1, 2, 1));
    assert!(summary.is_success && !summary.is_clipped);
    assert!(!findings.iter().any(|line| line.contains("http-broken")));
    let codes: Vec<_> = summary.warnings().into_iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["hosts_down", "script_errors"]);
}

#[test]
fn findings_of_a_port_have_different_plugin_ids() {
    let mut seen = std::collections::BTreeSet::new();
    for line in lab() {
        let part = |name: &str| line.split(';').find(|cell| cell.starts_with(name)).unwrap().to_owned();
        assert!(seen.insert((part("port="), part("plugin_id="))), "{line}");
    }
}

#[test]
fn size_of_pieces_does_not_matter() {
    let whole = lines(LAB, 1 << 20).unwrap();
    for piece in [1, 7, 4096] {
        assert_eq!(lines(LAB, piece).unwrap(), whole, "{piece}");
    }
}

#[test]
fn malformed_report_is_an_error_with_its_offset() {
    let cut = &LAB[..LAB.len() / 2];
    for (report, problem) in [
        ("", "the report is empty (at byte 0)"),
        ("Starting Nmap 7.93\n", "it begins with text (at byte 0)"),
        ("<NessusClientData_v2/>", "not an nmap report"),
        ("<nmaprun/><nmaprun/>", "a second root element (at byte 10)"),
        ("<nmaprun/>x", "text after the end"),
        ("<nmaprun><host></nmaprun>", "does not match"),
        ("<nmaprun><host a=b/></nmaprun>", "has no quotes (at byte 17)"),
        ("<nmaprun>&lol;</nmaprun>", "an entity that XML does not define"),
        (
            "<!DOCTYPE nmaprun [<!ENTITY a 'b'>]><nmaprun><host starttime='&a;'/></nmaprun>",
            "an entity that XML does not",
        ),
        (cut, "truncated"),
    ] {
        let error = lines(report, 1 << 20).unwrap_err();
        assert!(error.contains(problem), "{report:.40}: {error}");
    }
    let deep = format!("<nmaprun>{}", "<a>".repeat(300));
    assert!(lines(&deep, 1 << 20).unwrap_err().contains("256 levels"));
}

#[test]
fn report_without_hosts_or_with_an_error_has_warnings() {
    let report = r#"<nmaprun><runstats><finished exit="error" errormsg="x"/><hosts up="0" down="1" total="1"/></runstats></nmaprun>"#;
    let (summary, findings) = lines(report, 1 << 20).unwrap();
    assert!(findings.is_empty() && summary.hosts_up == 0 && !summary.is_success);
    let codes: Vec<_> = summary.warnings().into_iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["hosts_down", "incomplete"]);
}

#[test]
fn script_results_are_bounded() {
    let many = "<elem>x</elem>".repeat(60_000);
    let long = "CVE-2020-12345 ".repeat(100_000);
    let report = format!(
        "<nmaprun><host><status state='up'/><ports><port protocol='tcp' portid='1'><state state='open'/>\
         <script id='a' output='{long}'>{many}</script></port></ports></host></nmaprun>"
    );
    let (summary, findings) = lines(&report, 1 << 20).unwrap();
    assert!(summary.is_clipped && findings.len() == 2);
    assert!(findings[1].len() < 1_100_000 && findings[1].contains("cve=CVE-2020-12345;synopsis"));
}
