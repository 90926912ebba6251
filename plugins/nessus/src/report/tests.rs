//! Small reports and the findings in them, as lines of `field=value`.
//! Each report is read in pieces of one byte, of seven bytes, and whole: the size of pieces must not matter.

use scanhost_sdk::backend::{
    findings::Batch,
    reader::Authentication::{self, Failed, NotApplicable, Partial, Success, Unknown},
    types::ScanType,
};

use super::{Chunks, Malformed, Sink, Summary, read};

mod batches;
mod faults;

struct Pieces<'a> {
    report: &'a [u8],
    size: usize,
}

impl Chunks for Pieces<'_> {
    fn next_chunk(&mut self) -> Result<Vec<u8>, String> {
        let (piece, rest) = self.report.split_at(self.size.min(self.report.len()));
        self.report = rest;
        Ok(piece.to_vec())
    }
}

/// Checks the rules of `findings.emit` and keeps the findings as text.
#[derive(Default)]
struct RecordingSink {
    fields: Vec<String>,
    findings: Vec<String>,
    batches: usize,
}

impl Sink for RecordingSink {
    fn emit(&mut self, batch: &Batch) -> Result<(), String> {
        assert!(batch.arena.len() <= 8 * 1024 * 1024 && batch.cells.len() <= 1_000_000);
        assert!(batch.findings.len() <= 50_000 && !batch.findings.is_empty());
        let values: u64 = batch.cells.iter().map(|cell| u64::from(cell.length)).sum();
        assert!(values <= 16 * 1024 * 1024, "{values} bytes of values");
        self.batches += 1;
        self.fields.extend(batch.new_fields.iter().cloned());
        let mut cells = batch.cells.iter();
        for count in &batch.findings {
            let cells = cells.by_ref().take(*count as usize).map(|cell| {
                let value = &batch.arena[cell.offset as usize..][..cell.length as usize];
                let value = std::str::from_utf8(value).expect("values are UTF-8");
                assert!(!value.is_empty());
                format!("{}={value}", self.fields[cell.field as usize])
            });
            self.findings.push(cells.collect::<Vec<_>>().join("|"));
        }
        assert!(cells.next().is_none());
        Ok(())
    }
}

fn read_in_pieces(report: &[u8], size: usize) -> Result<(Summary, RecordingSink), Malformed> {
    let mut recorded = RecordingSink::default();
    let summary = read(Pieces { report, size }, &mut recorded)?;
    assert_eq!(summary.findings, recorded.findings.len() as u64);
    Ok((summary, recorded))
}

fn findings(report: &[u8]) -> Vec<String> {
    let whole = read_in_pieces(report, usize::MAX).expect("a readable report").1.findings;
    for size in [1, 7] {
        assert_eq!(read_in_pieces(report, size).expect("a readable report").1.findings, whole, "{size} bytes a piece");
    }
    whole
}

fn check(report: &str, expected: &[&str]) {
    assert_eq!(findings(report.as_bytes()), expected, "{report}");
}

/// Checks the finding of one item, without its host and its default severity.
fn check_item(item: &str, expected: &str) {
    let report = format!("<NessusClientData_v2><ReportHost name='h'>{item}</ReportHost></NessusClientData_v2>");
    let found = findings(report.as_bytes());
    let [found] = found.as_slice() else { panic!("{found:?}") };
    let found = found.strip_prefix("host=h|").expect("every finding has its host");
    assert_eq!(found.replace("severity=0|severity_id=0", "…").trim_end_matches('|'), expected, "{item}");
}

#[test]
fn cells_are_in_the_order_attributes_properties_children() {
    check(
        "<?xml version=\"1.0\" ?>\n<NessusClientData_v2>\n<Policy><policyName>p</policyName></Policy>\n\
         <Report name=\"r\" xmlns:cm=\"http://www.nessus.org/cm\"><ReportHost name=\"web\"><HostProperties>\n\
         <tag name=\"mac-address\">00:11\n00:22</tag><tag name=\"other\">x</tag><tag name=\"host-ip\"> 10.0.0.1 </tag>\
         <tag name=\"operating-system\">Linux</tag><tag name=\"host-fqdn\">web.lab</tag></HostProperties>\n\
         <ReportItem port=\"443\" svc_name=\"www\" protocol=\"tcp\" severity=\"3\" pluginID=\"7\" pluginName=\"A &amp; B\" \
         pluginFamily=\"General\">\n<synopsis>s</synopsis>\n<cvss_base_score>5.0</cvss_base_score>\
         <cm:compliance-info>c</cm:compliance-info></ReportItem></ReportHost></Report></NessusClientData_v2>\n",
        &["host=web|plugin_id=7|plugin_name=A & B|plugin_family=General|severity=3|severity_id=3|port=443|\
           protocol=tcp|svc_name=www|host_ip=10.0.0.1|host_fqdn=web.lab|operating_system=Linux|\
           mac_address=00:11\n00:22|cvss_score=5.0|synopsis=s|cvss_base_score=5.0|compliance-info=c"],
    );
}

#[test]
fn values_are_decoded_as_xml_defines() {
    for (item, expected) in [
        ("<a>&lt;&#65;&#x42;&amp;&gt;&quot;&apos;</a>", "…|a=<AB&>\"'"),
        ("<a><![CDATA[<b>&amp;\r\n]]]]>x</a>", "…|a=<b>&amp;\n]]x"),
        ("<a>one\r\ntwo\rthree\ttab</a>", "…|a=one\ntwo\nthree\ttab"),
        ("<a> \t\r\n x y \n</a>", "…|a=x y"),
        ("<a>&#13;&#10; x&#13;y &#9;</a>", "…|a=x\ry"),
        ("<a>\u{a0}x\u{b}</a>", "…|a=\u{a0}x\u{b}"),
        ("<a>x<!-- no --><b>in<c/>ner</b><?no?> y</a>", "…|a=xinner y"),
        ("<a>grün 主机 🔒</a>", "…|a=grün 主机 🔒"),
        ("<a/><b></b><c> \n</c>", "…"),
        ("<a>bell\u{7}null\0esc&#27;zero&#0;</a>", "…|a=bell\u{7}null\0esc\u{1b}zero\0"),
        ("<a>1 < 2 <\t3</a>", "…|a=1 < 2 <\t3"),
        ("stray text<a>x</a>more", "…|a=x"),
        ("<attachment name='n' type='t'>x</attachment>", "…|attachment=x"),
    ] {
        check_item(&format!("<ReportItem>{item}</ReportItem>"), expected);
    }
}

#[test]
fn attributes_are_normalised() {
    for (attribute, expected) in [
        ("pluginName=' a\tb\r\nc\nd '", "plugin_name=a b c d|…"),
        ("pluginName='a&#10;b&lt;'", "plugin_name=a\nb<|…"),
        ("pluginName = \"it's\" port\n=\n'80'", "plugin_name=it's|…|port=80"),
        ("port='1' port='2'", "…|port=1"),
        ("pluginName='' unknown='x'", "…"),
        ("pluginID='0'", "plugin_id=0|…"),
        ("pluginName='>' ", "plugin_name=>|…"),
    ] {
        check_item(&format!("<ReportItem {attribute}/>"), expected);
    }
}

#[test]
fn children_keep_their_order_and_repeat() {
    for (item, expected) in [
        ("<cve>b</cve><bid>1</bid><cve>a</cve>", "…|cve=b|bid=1|cve=a"),
        (
            "<see_also>u1\n\n u2 \r\nu3</see_also><see_also>u4</see_also>",
            "…|see_also=u1|see_also=u2|see_also=u3|see_also=u4",
        ),
        ("<cm:compliance-x>1</cm:compliance-x><compliance-x>2</compliance-x>", "…|compliance-x=1|compliance-x=2"),
        ("<plugin_name>child</plugin_name><host>other</host>", "…|plugin_name=child"),
        ("<severity>3</severity><severity_id>3</severity_id>", "…"),
    ] {
        check_item(&format!("<ReportItem>{item}</ReportItem>"), expected);
    }
    check_item(
        "<ReportItem pluginName='n' port='1'><plugin_name>c</plugin_name><port>2</port></ReportItem>",
        "plugin_name=n|…|port=1",
    );
    // A value that the host leaves out does not win over a child.
    check_item(
        "<ReportItem pluginID='n' port='x'><plugin_id>y</plugin_id><port>2</port></ReportItem>",
        "plugin_id=n|…|port=x|plugin_id=y|port=2",
    );
}

#[test]
fn severity_falls_back_to_the_risk_factor() {
    for (severity, risk, expected) in [
        ("severity='4'", "Low", "4"),
        ("severity=' 0 '", "Critical", "0"),
        ("", "Critical", "4"),
        ("severity='5'", "high", "3"),
        ("severity='High'", "Medium", "2"),
        ("severity=''", "None", "0"),
        ("", "odd", "0"),
    ] {
        let report =
            format!("<ReportHost><ReportItem {severity}><risk_factor>{risk}</risk_factor></ReportItem></ReportHost>");
        check(&report, &[format!("severity={expected}|severity_id={expected}|risk_factor={risk}").as_str()]);
    }
}

#[test]
fn cvss_score_is_that_of_the_newest_version_with_a_number() {
    let (two, three, four) = ("cvss_base_score", "cvss3_base_score", "cvss4_base_score");
    for (scores, expected) in [
        (vec![(two, "9.0"), (three, "8.0"), (four, "7.0")], Some("7.0")),
        (vec![(two, "9.0"), (three, "8.0"), (four, "N/A")], Some("8.0")),
        (vec![(two, "9.0"), (three, "inf")], Some("9.0")),
        (vec![(three, "x"), (three, "6.5")], Some("6.5")),
        (vec![(two, "N/A")], None),
        (vec![("cvss_score", "3.0")], None),
    ] {
        let children: String = scores.iter().map(|(name, score)| format!("<{name}>{score}</{name}>")).collect();
        let cells: String = scores.iter().map(|(name, score)| format!("|{name}={score}")).collect();
        let expected = expected.map(|score| format!("|cvss_score={score}")).unwrap_or_default();
        check_item(&format!("<ReportItem>{children}</ReportItem>"), &format!("…{expected}{cells}"));
    }
}

#[test]
fn hosts_are_read_outside_of_policies() {
    let host = |name: &str| format!("<ReportHost name='{name}'><ReportItem/></ReportHost>");
    let finding = |name: &str| format!("host={name}|severity=0|severity_id=0");
    for (report, hosts) in [
        (
            format!(
                "<NessusClientData_v2><Report>{}</Report><Report>{}</Report></NessusClientData_v2>",
                host("a"),
                host("b")
            ),
            vec!["a", "b"],
        ),
        (format!("<NessusClientData_v2>{}<odd>{}</odd></NessusClientData_v2>", host("a"), host("b")), vec!["a", "b"]),
        (format!("<!-- c -->\n{}\n<!-- c -->{}\n", host("a"), host("b")), vec!["a", "b"]),
        (format!("<Report>{}</Report>", host("a")), vec!["a"]),
        (format!("<NessusClientData_v2><Policy>{}</Policy></NessusClientData_v2>", host("no")), vec![]),
        ("<NessusClientData_v2/>".to_owned(), vec![]),
    ] {
        let expected: Vec<String> = hosts.into_iter().map(finding).collect();
        assert_eq!(findings(report.as_bytes()), expected, "{report}");
    }
}

#[test]
fn late_host_properties_are_in_all_findings() {
    check(
        "<ReportHost name='h'><ReportItem><a>1</a></ReportItem><ReportItem><a>2</a></ReportItem>\
         <HostProperties><tag name='host-ip'>ip</tag></HostProperties><ReportItem><a>3</a></ReportItem></ReportHost>\
         <ReportHost name='i'><ReportItem><a>4</a></ReportItem></ReportHost>",
        &[
            "host=h|severity=0|severity_id=0|host_ip=ip|a=1",
            "host=h|severity=0|severity_id=0|host_ip=ip|a=2",
            "host=h|severity=0|severity_id=0|host_ip=ip|a=3",
            "host=i|severity=0|severity_id=0|a=4",
        ],
    );
    check(
        "<ReportHost name='h'><ReportItem><host_ip>no</host_ip><a>1</a><host_fqdn>f</host_fqdn></ReportItem>\
         <HostProperties><tag name='host-ip'>ip</tag></HostProperties><ReportItem><host_ip>no</host_ip></ReportItem></ReportHost>",
        &["host=h|severity=0|severity_id=0|host_ip=ip|a=1|host_fqdn=f", "host=h|severity=0|severity_id=0|host_ip=ip"],
    );
}

#[test]
fn summary_has_name_targets_and_counts() {
    let report = "<NessusClientData_v2><Policy><Preferences><ServerPreferences>\
        <preference><name>whoami</name><value>admin</value></preference>\
        <preference><name>TARGET</name>\n<value> 10.0.0.0/24,&#10;x </value></preference>\
        <preference><name>z</name><value>TARGET</value></preference></ServerPreferences></Preferences></Policy>\
        <Report name=\"Weekly &amp; more\"><ReportHost name='empty'/></Report></NessusClientData_v2>";
    let (summary, _) = read_in_pieces(report.as_bytes(), 5).unwrap();
    assert_eq!(summary.name.as_deref(), Some("Weekly & more"));
    assert_eq!(summary.targets.as_deref(), Some("10.0.0.0/24,\nx"));
    assert_eq!((summary.hosts, summary.findings, summary.warnings.len()), (1, 0, 0));
}

#[test]
fn oddities_are_warnings() {
    for (report, code) in [
        ("<NessusClientData_v2><Report name='r'/></NessusClientData_v2>", "no_hosts"),
        ("<ReportHost><ReportItem><a>1 < 2</a></ReportItem></ReportHost>", "loose_markup"),
        ("<ReportHost><ReportItem severity='High'/></ReportHost>", "bad_severity"),
    ] {
        let (summary, _) = read_in_pieces(report.as_bytes(), 1).unwrap();
        let codes: Vec<&str> = summary.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(codes, [code], "{report}");
    }
}

#[test]
fn authentication_follows_from_the_evidence_of_hosts() {
    let tag = |value: &str| format!("<HostProperties><tag name='Credentialed_Scan'>{value}</tag></HostProperties>");
    let plugin = |id: u32| format!("<ReportItem pluginID='{id}'/>");
    let output = |text: &str| {
        format!(
            "<ReportItem pluginID='19506'><plugin_output>Nessus\nCredentialed checks : {text}\n</plugin_output></ReportItem>"
        )
    };
    let (yes, no) = (tag("true"), tag("false"));
    let cases: Vec<(Vec<String>, Option<ScanType>, Authentication)> = vec![
        (vec![yes.clone(), yes.clone()], None, Success),
        (vec![yes.clone(), String::new()], None, Success),
        (vec![yes.clone(), plugin(1)], None, Partial),
        (vec![yes.clone(), no.clone()], None, Partial),
        (vec![yes.clone() + &plugin(110385)], None, Partial),
        (vec![yes.clone() + &plugin(117885)], None, Partial),
        (vec![no.clone(), no.clone()], None, Failed),
        (vec![no.clone() + &plugin(141118)], None, Failed),
        (vec![output("yes, as 'root' via ssh")], None, Success),
        (vec![output("no")], None, Failed),
        (vec![plugin(141118)], None, Success),
        (vec![plugin(117887)], None, Success),
        (vec![plugin(104410)], None, Failed),
        (vec![plugin(21745)], None, Failed),
        (vec![plugin(1)], None, Unknown),
        (vec![], None, Unknown),
        (vec![no.clone() + &plugin(110723)], None, NotApplicable),
        (vec![plugin(110723) + &plugin(104410)], None, Failed),
        (vec![plugin(110723), yes.clone()], None, Partial),
        (vec![plugin(110723)], Some(ScanType::Trusted), Failed),
        (vec![plugin(1)], Some(ScanType::Privileged), Unknown),
        (vec![yes], Some(ScanType::Untrusted), NotApplicable),
    ];
    for (hosts, scan_type, expected) in cases {
        let hosts: String = hosts.iter().map(|host| format!("<ReportHost name='h'>{host}</ReportHost>")).collect();
        let report = format!("<NessusClientData_v2>{hosts}</NessusClientData_v2>");
        let (summary, _) = read_in_pieces(report.as_bytes(), usize::MAX).unwrap();
        assert_eq!(summary.evidence.verdict(scan_type), expected, "{report}");
    }
}

#[test]
fn declared_encodings_are_read() {
    let report = |encoding: &str| {
        let declaration =
            if encoding.is_empty() { String::new() } else { format!("<?xml version=\"1.0\" encoding='{encoding}'?>") };
        format!("{declaration}<ReportHost name='ü–€'><ReportItem/></ReportHost>")
    };
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let windows = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let marked = |mark: &[u8], text: Vec<u8>| [mark, &text].concat();
    let written = |encoding: &'static encoding_rs::Encoding, label: &str, name: &str| {
        encoding.encode(&report(label).replace("ü–€", name)).0.into_owned()
    };
    for (bytes, name) in [
        (written(encoding_rs::KOI8_R, "koi8-r", "сервер"), "сервер"),
        (written(encoding_rs::SHIFT_JIS, "Shift_JIS", "サーバ"), "サーバ"),
        (written(encoding_rs::GB18030, "gb2312", "服务器"), "服务器"),
        (marked(b"\xef\xbb\xbf", report("windows-1252").into_bytes()), "ü–€"),
        (marked(b"\xef\xbb\xbf", report("klingon").into_bytes()), "ü–€"),
        (report("UTF-8").into_bytes(), "ü–€"),
        (marked(b"\xef\xbb\xbf", report("").into_bytes()), "ü–€"),
        (marked(b"\xef\xbb\xbf", report("utf8").into_bytes()), "ü–€"),
        (windows(&report("windows-1252")), "ü–€"),
        (windows(&report("ISO-8859-1")), "ü\u{96}\u{80}"),
        (report("US-ASCII").replace("ü–€", "u").into_bytes(), "u"),
        (marked(b"\xff\xfe", utf16(&report("UTF-16"), u16::to_le_bytes)), "ü–€"),
        (marked(b"\xfe\xff", utf16(&report(""), u16::to_be_bytes)), "ü–€"),
        (utf16(&report("UTF-16"), u16::to_le_bytes), "ü–€"),
        (utf16(&report("utf-16be"), u16::to_be_bytes), "ü–€"),
    ] {
        assert_eq!(findings(&bytes), [format!("host={name}|severity=0|severity_id=0")]);
    }
}

#[test]
fn large_reports_are_read() {
    let policy = "<item><pluginName>a check</pluginName><value>x</value></item>\n".repeat(60_000);
    let silent: String =
        (0..1279).map(|host| format!("<ReportHost name='h{host}'><HostProperties/></ReportHost>")).collect();
    let output = "one line of many\n".repeat(20_000);
    let report = format!(
        "<NessusClientData_v2><Policy>{policy}</Policy><Report>{silent}<ReportHost name='last'><ReportItem>\
         <plugin_output>{output}</plugin_output></ReportItem></ReportHost></Report></NessusClientData_v2>"
    );
    let (summary, recorded) = read_in_pieces(report.as_bytes(), 1 << 18).unwrap();
    assert_eq!((summary.hosts, summary.findings), (1280, 1));
    assert_eq!(recorded.findings, [format!("host=last|severity=0|severity_id=0|plugin_output={}", output.trim_end())]);
}
