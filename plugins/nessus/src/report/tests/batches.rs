//! Batches of findings, with the values that the findings of a host share.

use super::*;

#[test]
fn batches_have_every_finding_once_and_in_order() {
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
        let (_, recorded) = read_in_pieces(report.as_bytes(), 1 << 18).unwrap();
        assert!(recorded.findings == expected, "properties first: {properties_first}");
        assert!(recorded.batches > 2);
    }
}

#[test]
fn host_too_large_to_hold_back_is_a_warning() {
    let text = "x".repeat(1 << 20);
    let items = format!("<ReportItem><a>{text}</a></ReportItem>").repeat(12);
    let report =
        format!("<ReportHost>{items}<HostProperties><tag name='host-ip'>ip</tag></HostProperties></ReportHost>");
    let (summary, recorded) = read_in_pieces(report.as_bytes(), 1 << 18).unwrap();
    assert_eq!(recorded.findings.len(), 12);
    assert_eq!(recorded.findings[0].len(), "severity=0|severity_id=0|a=".len() + text.len());
    assert!(recorded.findings[11].contains("host_ip=ip"));
    assert_eq!(summary.warnings[0].code, "late_host_properties");
}

#[test]
fn batch_has_room_for_shared_values() {
    let long = |length: usize| "x".repeat(length);
    let tags = |length: usize, names: &[&str]| -> String {
        names.iter().map(|name| format!("<tag name='{name}'>{}</tag>", long(length))).collect()
    };
    let host = |content: String| format!("<ReportHost name='h'>{content}</ReportHost>");
    let early = |tags: &str, items: &str| host(format!("<HostProperties>{tags}</HostProperties>{items}"));
    let late = |tags: &str, items: &str| host(format!("{items}<HostProperties>{tags}</HostProperties>"));
    let small = |count: usize| "<ReportItem port='1'/>".repeat(count);
    let all = ["host-ip", "host-fqdn", "operating-system", "mac-address"];
    let score = format!("<cvss_base_score>9.{}</cvss_base_score>", "0".repeat(7_300_000));
    // The name of the case, the hosts, the number of findings, and how many of them have their host's address.
    let cases: &[(&str, Vec<String>, usize, usize)] = &[
        ("many with long values", vec![early(&tags(18_000, &["host-ip"]), &small(3_000))], 3_000, 3_000),
        ("many with long values, late properties", vec![late(&tags(18_000, &["host-ip"]), &small(3_000))], 3_000, 0),
        (
            "many with short values, late properties",
            vec![late(&tags(300, &["host-ip"]), &small(20_000))],
            20_000,
            20_000,
        ),
        (
            "short values, late properties, after a host with long values",
            vec![early(&tags(40_000, &["host-ip"]), &small(100)), late(&tags(20, &["host-ip"]), &small(10_000))],
            10_100,
            10_100,
        ),
        (
            "many with a long host name, late properties",
            vec![late(&tags(20, &["host-ip"]), &small(35_000)).replace("name='h'", &format!("name='{}'", long(250)))],
            35_000,
            35_000,
        ),
        ("more than 32 bits can count", vec![late(&tags(65_536, &all), &small(16_384))], 16_384, 0),
        (
            "a long score beside long values",
            vec![early(&tags(65_536, &all), &format!("{}<ReportItem>{score}</ReportItem>", small(6)))],
            7,
            7,
        ),
        (
            "a long finding before long values",
            vec![late(&tags(65_536, &all), &format!("<ReportItem><a>{}</a></ReportItem>", long(7_900_000)))],
            1,
            1,
        ),
    ];
    for (name, hosts, findings, complete) in cases {
        let report = format!("<NessusClientData_v2>{}</NessusClientData_v2>", hosts.concat());
        let (summary, recorded) = read_in_pieces(report.as_bytes(), 1 << 18).unwrap();
        assert_eq!(recorded.findings.len(), *findings, "{name}");
        let found = recorded.findings.iter().filter(|finding| finding.contains("host_ip=x")).count();
        assert_eq!(found, *complete, "{name}");
        assert_eq!(summary.warnings.len(), usize::from(complete < findings), "{name}: {:?}", summary.warnings);
    }
}
