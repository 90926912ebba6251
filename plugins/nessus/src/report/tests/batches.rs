//! Findings in batches, with what those of a host share.

use super::*;

#[test]
fn batches_hold_every_finding_once_and_in_order() {
    let text = "x".repeat(5000);
    for (properties_first, host_count) in [(true, 3), (false, 3)] {
        let mut report = String::from("<Report>");
        let mut expected = Vec::new();
        for host in 0..host_count {
            let properties = format!("<HostProperties><tag name='host-ip'>ip{host}</tag></HostProperties>");
            let items: String =
                (0..500).map(|id| format!("<ReportItem pluginID='{id}'><a>{text}</a></ReportItem>")).collect();
            let content = if properties_first { properties + &items } else { items + &properties };
            report.push_str(&format!("<ReportHost name='h{host}'>{content}</ReportHost>"));
            expected.extend(
                (0..500).map(|id| {
                    format!("host=h{host}|plugin_id={id}|severity=0|severity_id=0|host_ip=ip{host}|a={text}")
                }),
            );
        }
        report.push_str("</Report>");
        let (_, notebook) = read_in_pieces(report.as_bytes(), 1 << 18).unwrap();
        assert!(notebook.findings == expected, "properties first: {properties_first}");
        assert!(notebook.batches > 2);
    }
}

#[test]
fn a_host_too_large_to_hold_back_is_a_warning() {
    let text = "x".repeat(1 << 20);
    let items = format!("<ReportItem><a>{text}</a></ReportItem>").repeat(12);
    let report =
        format!("<ReportHost>{items}<HostProperties><tag name='host-ip'>ip</tag></HostProperties></ReportHost>");
    let (summary, notebook) = read_in_pieces(report.as_bytes(), 1 << 18).unwrap();
    assert_eq!(notebook.findings.len(), 12);
    assert_eq!(notebook.findings[0].len(), "severity=0|severity_id=0|a=".len() + text.len());
    assert!(notebook.findings[11].contains("host_ip=ip"));
    assert_eq!(summary.warnings[0].code, "late_host_properties");
}

#[test]
fn long_values_of_a_host_are_in_all_of_its_findings() {
    const FINDINGS: usize = 3_000;
    let macs = "00:11:22:33:44:55\n".repeat(1_000);
    let properties = format!("<HostProperties><tag name='mac-address'>{macs}</tag></HostProperties>");
    let items = "<ReportItem port='1'/>".repeat(FINDINGS);
    for (content, warnings) in [(format!("{properties}{items}"), 0), (format!("{items}{properties}"), 1)] {
        let report = format!("<NessusClientData_v2><ReportHost name='h'>{content}</ReportHost></NessusClientData_v2>");
        let (summary, notebook) = read_in_pieces(report.as_bytes(), 1 << 18).unwrap();
        assert_eq!(notebook.findings.len(), FINDINGS);
        let complete = notebook.findings.iter().filter(|finding| finding.contains(macs.trim())).count();
        assert_eq!(complete, if warnings == 0 { FINDINGS } else { 0 });
        assert_eq!(summary.warnings.len(), warnings, "{:?}", summary.warnings);
    }
}
