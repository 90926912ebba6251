//! The fields of a finding, from a report that has fields of every type.

use serde_json::{Value, json};

use crate::completed_scan::{CompletedScan, records};

const REPORT: &str = r#"<NessusClientData_v2><Report name="r" xmlns:cm="http://www.nessus.org/cm"><ReportHost name="h">
<HostProperties><tag name="host-ip">10.0.0.9</tag><tag name="host-fqdn">h.lab.example</tag>
<tag name="operating-system">Linux</tag><tag name="mac-address">00:11:22:33:44:55</tag></HostProperties>
<ReportItem port="80" svc_name="www" protocol="tcp" pluginID="10" pluginName="a &amp; b" pluginFamily="Web Servers">
<risk_factor>Medium</risk_factor><description>
  one &lt;two&gt;
three
</description><solution/><see_also>http://a.example
http://b.example</see_also><cwe>79</cwe><cvss_base_score>5.0</cvss_base_score><cvss3_base_score>6.1</cvss3_base_score>
<cvss4_base_score>5.3</cvss4_base_score><vpr_score>N/A</vpr_score><exploited_by_malware>true</exploited_by_malware>
<cm:compliance-result>PASSED</cm:compliance-result><note>first</note><note>second</note><port>9999</port>
</ReportItem></ReportHost></Report></NessusClientData_v2>"#;

#[tokio::test]
async fn finding_has_the_fields_of_its_report_with_their_types() {
    let scan = CompletedScan::with_report(REPORT, "", json!({})).await;
    let lines = scan.lines(json!({ "schema_profile": "full" })).await;
    let finding = records(&lines)[0].as_object().expect("a finding is an object");
    let expected = json!({
        "type": "vulnerability", "host": "h", "plugin_id": 10, "plugin_name": "a & b", "plugin_family": "Web Servers",
        "severity": "Medium", "severity_id": 2, "port": 80, "protocol": "tcp", "svc_name": "www",
        "host_ip": "10.0.0.9", "host_fqdn": "h.lab.example", "operating_system": "Linux",
        "mac_address": "00:11:22:33:44:55", "cvss_score": 5.3, "risk_factor": "Medium",
        "description": "one <two>\nthree", "see_also": ["http://a.example", "http://b.example"], "cwe": ["79"],
        "cvss_base_score": 5.0, "cvss3_base_score": 6.1, "cvss4_base_score": 5.3, "exploited_by_malware": true,
        "compliance-result": "PASSED", "note": "first\nsecond",
    });
    assert_eq!(Value::Object(finding.clone()), expected);
    let types = &lines[0]["field_types"];
    for (field, kind) in [("note", "text"), ("see_also", "list"), ("port", "integer"), ("severity", "severity")] {
        assert_eq!(types[field], kind, "{field}");
    }
    let status = scan.mcp.call_ok("get_scan_status", json!({ "task_id": scan.task_id })).await;
    assert_eq!(status["warnings"].as_array().map(Vec::len), Some(1), "the score N/A gives a warning: {status}");
}

#[tokio::test]
async fn field_that_only_this_report_has_can_be_shown_and_filtered() {
    let scan = CompletedScan::with_report(REPORT, "", json!({})).await;
    let lines = scan.lines(json!({ "custom_fields": ["note"], "filters": { "compliance-result": "=passed" } })).await;
    assert_eq!(records(&lines), [&json!({ "type": "vulnerability", "note": "first\nsecond" })]);
    assert_eq!(scan.matching_ids(json!({ "note": "!second" })).await, Vec::<u64>::new());
}

#[tokio::test]
async fn field_named_type_does_not_hide_the_type_of_the_line() {
    let report = REPORT.replace("<note>first</note>", "<type>local</type>");
    let scan = CompletedScan::with_report(&report, "", json!({})).await;
    let arguments = json!({ "custom_fields": ["type", "note"], "filters": { "type": "=local" } });
    let lines = scan.lines(arguments).await;
    assert_eq!(lines[0]["fields"], json!(["type", "note"]), "`type` can be shown and filtered like other fields");
    assert_eq!(records(&lines), [&json!({ "type": "vulnerability", "note": "second" })]);
}
