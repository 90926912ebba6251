use std::cell::RefCell;

use scanhost_sdk::{
    backend::{
        reader::ReportInfo,
        scanner::{ScanRequest, ScanType},
    },
    findings::Findings,
};

use super::*;
use crate::{options::Options, parse::parse};

fn scan(options: &str, targets: &[&str]) -> Scan {
    let request = ScanRequest {
        task_id: "01T".to_owned(),
        name: "weekly".to_owned(),
        description: String::new(),
        scan_type: ScanType::Trusted,
        targets: targets.iter().map(|target| (*target).to_owned()).collect(),
        credential: None,
    };
    Scan::create(Options::parse(options).unwrap(), request).unwrap()
}

/// Exports the whole report. Returns it and the number of calls.
fn export(scan: &Scan) -> (Vec<u8>, usize) {
    let (mut file, mut calls, mut cursor) = (Vec::new(), 0, None);
    loop {
        calls += 1;
        let before = file.len();
        let append = |bytes: &[u8]| {
            assert!(bytes.len() <= 256 * 1024, "a chunk of {}", bytes.len());
            file.extend_from_slice(bytes);
            Ok(())
        };
        let step = Report::of(scan).export(cursor.as_deref(), append).unwrap();
        assert!(file.len() - before <= 5 * 1024 * 1024, "a call of {}", file.len() - before);
        match step {
            ExportStep::Done => return (file, calls),
            ExportStep::Pending(pending) => cursor = Some(pending.cursor),
        }
    }
}

fn read(file: &[u8]) -> (Result<ReportInfo, (String, u64)>, usize) {
    let found = RefCell::new(0);
    let findings = Findings::into_sink(|batch| {
        *found.borrow_mut() += batch.findings.len();
        Ok(())
    });
    let mut chunks = file.chunks(64 * 1024);
    let info = parse(None, |_| Ok(chunks.next().unwrap_or_default().to_vec()), findings);
    (info.map_err(|error| (error.message, error.offset)), found.into_inner())
}

fn check_counts(options: &str, targets: &[&str], hosts: u32, findings: usize) {
    let (info, found) = read(&export(&scan(options, targets)).0);
    assert_eq!((info.unwrap().hosts, found), (hosts, findings), "{options} {targets:?}");
}

#[test]
fn options_limit_hosts_and_findings() {
    check_counts("{}", &["10.0.0.0/24"], 3, 60);
    check_counts("{}", &["10.0.0.1", "web"], 2, 40);
    check_counts(r#"{"hosts": 0}"#, &["10.0.0.1"], 0, 0);
    check_counts(r#"{"findings_per_host": 0}"#, &["10.0.0.1-2"], 2, 0);
    check_counts(r#"{"hosts": 300, "findings_per_host": 70}"#, &["10.0.0.0/16"], 300, 21_000);
}

#[test]
fn large_report_is_exported_in_several_calls() {
    let (file, calls) = export(&scan(r#"{"hosts": 1, "findings_per_host": 20000}"#, &["web"]));
    let expected = file.len() / CALL_BYTES;
    assert!(calls > 2 && (expected..=expected + 1).contains(&calls), "{calls} calls for {} bytes", file.len());
}

#[test]
fn same_scan_has_the_same_report() {
    let export = |options, targets| export(&scan(options, targets)).0;
    assert_eq!(export("{}", &["10.0.0.0/24"]), export("{}", &["10.0.0.0/24"]));
    assert_ne!(export("{}", &["10.0.0.0/24"]), export("{}", &["10.0.1.0/24"]));
}

#[test]
fn all_checks_are_used_before_one_repeats() {
    let (file, _) = export(&scan(r#"{"hosts": 1, "findings_per_host": 50}"#, &["web"]));
    let lines: Vec<serde_json::Value> =
        file.split(|byte| *byte == b'\n').skip(2).filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let mut ids: Vec<u64> = lines.iter().take(25).map(|line| line["plugin_id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((lines.len(), ids.len()), (50, CHECKS.len()));
    let places: std::collections::BTreeSet<String> = lines
        .iter()
        .filter(|line| line["port"] != 0)
        .map(|line| format!("{}:{}", line["plugin_id"], line["port"]))
        .collect();
    assert_eq!(places.len(), lines.iter().filter(|line| line["port"] != 0).count(), "a check repeats on another port");
}

#[test]
fn finding_has_the_fields_of_a_real_one() {
    let (file, _) = export(&scan(r#"{"hosts": 1, "findings_per_host": 25}"#, &["10.0.0.1"]));
    let text = String::from_utf8(file).unwrap();
    let line = text.lines().find(|line| line.contains("900021")).unwrap();
    let system = text.lines().nth(1).unwrap().split_once(r#","operating_system""#);
    let system = system.map(|(_, name)| format!(r#","operating_system"{}"#, name.trim_end_matches('}')));
    let expected = [
        r#"{"type":"finding","host":"10.0.0.1","host_ip":"10.0.0.1""#,
        &system.unwrap_or_default(),
        r#","severity":"High","severity_id":3,"risk_factor":"High","port":443,"protocol":"tcp","svc_name":"https","#,
        r#""plugin_id":900021,"plugin_name":"TLS Medium Strength Ciphers (SWEET32)","plugin_family":"General","#,
        r#""synopsis":"The service accepts ciphers with blocks of 64 bits.","#,
        r#""description":"After enough traffic on one connection two blocks are alike, and text can be recovered.","#,
        r#""solution":"Remove 3DES from the accepted ciphers.","see_also":["https://sweet32.info/"],"#,
        r#""cve":["CVE-2016-2183"],"cwe":["200"],"cvss_base_score":5.0,"cvss3_base_score":7.5,"vpr_score":6.1,"#,
        r#""epss_score":0.31,"exploit_available":false,"cvss_score":7.5,"plugin_output":"DES-CBC3-SHA"}"#,
    ];
    assert_eq!(line, expected.concat());
}

#[test]
fn option_fail_at_parse_breaks_the_last_line() {
    for (options, targets) in [
        (r#"{"fail_at": "parse"}"#, ["10.0.0.1"]),
        (r#"{"fail_at": "parse", "findings_per_host": 0}"#, ["10.0.0.1"]),
        (r#"{"fail_at": "parse", "hosts": 0}"#, ["10.0.0.1"]),
    ] {
        let (file, _) = export(&scan(options, &targets));
        let (message, offset) = read(&file).0.unwrap_err();
        assert_eq!(message, "the line ends in the middle of a JSON value", "{options}");
        assert_eq!(offset, file.len() as u64 - 1, "{options}");
    }
}

#[test]
fn foreign_cursor_is_refused() {
    let step = Report::of(&scan("{}", &["a"])).export(Some("x"), |_| Ok(()));
    assert!(matches!(step, Err(ScanError::Invalid(_))));
}
