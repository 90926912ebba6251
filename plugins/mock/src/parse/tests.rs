use std::cell::RefCell;

use super::*;

const HEADER: &str = r#"{"format":"scanhost-mock","version":1,"task":null,"name":"weekly","targets":["10.0.0.1-2","a"],"hosts":HOSTS,"findings":FINDINGS,"authentication":"partial"}"#;

fn report(hosts: u32, findings: u32, lines: &[&str]) -> String {
    let header = HEADER.replace("HOSTS", &hosts.to_string()).replace("FINDINGS", &findings.to_string());
    std::iter::once(header.as_str()).chain(lines.iter().copied()).map(|line| format!("{line}\n")).collect()
}

/// Reads the report in chunks of this size. Returns its findings as `field=value` texts.
fn read(report: &[u8], chunk: usize, scan_type: Option<ScanType>) -> (Result<ReportInfo, ParseError>, Vec<String>) {
    let (names, found) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let findings = Findings::into_sink(|batch| {
        names.borrow_mut().extend(batch.new_fields.iter().cloned());
        let mut cells = batch.cells.iter();
        for count in &batch.findings {
            let texts = cells.by_ref().take(*count as usize).map(|cell| {
                let value = &batch.arena[cell.offset as usize..][..cell.length as usize];
                format!("{}={}", names.borrow()[cell.field as usize], str::from_utf8(value).unwrap())
            });
            found.borrow_mut().push(texts.collect::<Vec<_>>().join(" "));
        }
        Ok(())
    });
    let mut chunks = report.chunks(chunk);
    let info = parse(scan_type, |_| Ok(chunks.next().unwrap_or_default().to_vec()), findings);
    (info, found.into_inner())
}

fn check_error(report: &str, message: &str, offset: usize) {
    for chunk in [1, 7, 1 << 20] {
        let (info, _) = read(report.as_bytes(), chunk, None);
        let expected = ParseError { message: message.to_owned(), offset: offset as u64 };
        assert_eq!(info, Err(expected), "in chunks of {chunk}: {report}");
    }
}

#[test]
fn finding_has_the_fields_of_its_line() {
    let report = report(
        1,
        2,
        &[
            r#"{"type":"host","host":"a","operating_system":"x"}"#,
            r#"{"type":"finding","host":"a","port":443,"cvss_score":9.8,"exploit_available":true,"cve":["C-1","C-2"]}"#,
            "",
            r#"{"type":"finding","cvss_score":-1.50,"own":"\u00e9\n","host":"a","solution":null,"synopsis":""}"#,
        ],
    );
    for chunk in [1, 5, 64, 1 << 20] {
        let (info, found) = read(report.as_bytes(), chunk, None);
        assert_eq!(
            found,
            ["host=a port=443 cvss_score=9.8 exploit_available=true cve=C-1 cve=C-2", "cvss_score=-1.5 own=é\n host=a"]
        );
        let expected = ReportInfo {
            name: Some("weekly".to_owned()),
            targets: Some("10.0.0.1-2,a".to_owned()),
            hosts: 1,
            authentication: Authentication::Partial,
            warnings: Vec::new(),
        };
        assert_eq!(info, Ok(expected));
    }
}

#[test]
fn last_line_break_may_be_missing() {
    let report = report(0, 1, &[r#"{"type":"finding","host":"a"}"#]);
    let (info, found) = read(report.trim_end().as_bytes(), 16, None);
    assert!(info.is_ok());
    assert_eq!(found, ["host=a"]);
}

#[test]
fn authentication_of_an_untrusted_scan_is_not_applicable() {
    let empty = report(0, 0, &[]);
    let check = |scan_type, expected| {
        assert_eq!(read(empty.as_bytes(), 64, scan_type).0.unwrap().authentication, expected);
    };
    check(Some(ScanType::Untrusted), Authentication::NotApplicable);
    check(Some(ScanType::Trusted), Authentication::Partial);
    check(None, Authentication::Partial);
}

#[test]
fn malformed_report_is_an_error_with_its_offset() {
    let start = report(0, 1, &[]).len();
    let with = |line: &str| report(0, 1, &[line]);
    check_error("", "the report is empty", 0);
    check_error("\n\n", "the report is empty", 0);
    check_error("<xml/>\n", "the line is not JSON", 0);
    check_error("{}", "the first line is not the header of a mock report", 1);
    check_error(&report(0, 0, &[]).replace("scanhost-mock", "other"), "the header names another format", 0);
    let newer = report(0, 0, &[]).replace(r#""version":1"#, r#""version":2"#);
    check_error(&newer, "the header has a version that this backend does not know", 0);
    check_error(&with(r#"{"type":"finding","host":"a"#), "the line ends in the middle of a JSON value", start + 27);
    check_error(&with(r#"{"type":"finding",!"#), "the line is not JSON", start + 18);
    check_error(&with(r#"{"host":"a","type":"finding"}"#), "the line is neither a host nor a finding", start + 6);
    check_error(&with(r#"{"type":"finding","cve":{}}"#), "the line is neither a host nor a finding", start + 25);
    let counts = "the numbers of hosts and findings differ from those in the header";
    check_error(&report(0, 1, &[]), counts, start);
    let one = r#"{"type":"finding"}"#;
    check_error(&report(0, 1, &[one, one]), counts, start + 2 * (one.len() + 1));
}

#[test]
fn endless_line_is_refused_in_bounded_memory() {
    let mut chunks = 0;
    let read = |max: u32| {
        chunks += 1;
        Ok(vec![b'x'; max as usize])
    };
    let info = parse(None, read, Findings::into_sink(|_| Ok(())));
    assert_eq!(info, Err(error(0, "a line is longer than 4 MiB")));
    assert!(chunks < 20, "{chunks}");
}

#[test]
fn refusal_of_the_host_ends_the_reading() {
    let report = report(0, 1, &[r#"{"type":"finding","host":"a"}"#]);
    let mut file = Some(report.clone().into_bytes());
    let findings = Findings::into_sink(|_| Err("full".to_owned()));
    let info = parse(None, |_| Ok(file.take().unwrap_or_default()), findings);
    assert_eq!(info, Err(error(report.len() as u64, "the host refused the findings: full")));
}
