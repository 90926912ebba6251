//! Profiles whose records are groups of findings: the built-in `triage`, and profiles of the operator.

use serde_json::{Value, json};

use crate::completed_scan::{CompletedScan, keys, records};

/// The XML of a finding of this check, with this severity and additional elements.
fn item(check: u64, severity: u8, more: &str) -> String {
    format!(
        "<ReportItem port=\"0\" svc_name=\"general\" protocol=\"tcp\" severity=\"{severity}\" pluginID=\"{check}\" \
         pluginName=\"check {check}\" pluginFamily=\"f\">{more}</ReportItem>"
    )
}

fn report() -> String {
    let score = |score: &str| format!("<cvss3_base_score>{score}</cvss3_base_score>");
    let exploited = "<exploit_available>true</exploit_available>";
    let hosts = [
        (
            "alpha",
            [item(1, 2, &score("5.0")), item(2, 4, "<solution>update</solution><cve>CVE-1</cve>"), item(3, 0, "")],
        ),
        ("beta", [item(1, 3, &score("7.1")), item(3, 0, ""), item(3, 0, "")]),
        ("gamma", [item(4, 4, exploited), item(2, 4, "<solution>later</solution><cve>CVE-2</cve>"), item(1, 1, "")]),
    ];
    let hosts: String = hosts
        .iter()
        .map(|(name, items)| format!("<ReportHost name=\"{name}\">{}</ReportHost>", items.concat()))
        .collect();
    format!("<NessusClientData_v2><Report name=\"r\">{hosts}</Report></NessusClientData_v2>")
}

fn records_of(lines: &[Value]) -> Value {
    json!(records(lines))
}

#[tokio::test]
async fn triage_lists_the_worst_groups_first() {
    let scan = CompletedScan::with_report(&report(), "", json!({})).await;
    let lines = scan.lines(json!({ "schema_profile": "triage" })).await;
    let fields = [
        "plugin_id",
        "plugin_name",
        "severity",
        "cvss_score",
        "exploit_available",
        "host_count",
        "hosts",
        "cve",
        "solution",
    ];
    assert_eq!(lines[0]["fields"], json!(fields));
    assert_eq!(keys(&lines[0]["field_types"]), fields);
    assert_eq!(
        (&lines[0]["field_types"]["host_count"], &lines[0]["field_types"]["hosts"]),
        (&json!("integer"), &json!("list"))
    );
    assert_eq!(lines[0]["total_vulnerabilities"], 4, "the totals count groups");
    assert_eq!(lines[1]["severity_counts"]["critical"], 3, "the metadata describes the whole report");
    let vulnerability = "vulnerability";
    let expected = json!([
        { "type": vulnerability, "plugin_id": 4, "plugin_name": "check 4", "severity": "Critical",
          "exploit_available": true, "host_count": 1, "hosts": ["gamma"] },
        { "type": vulnerability, "plugin_id": 2, "plugin_name": "check 2", "severity": "Critical", "host_count": 2,
          "hosts": ["alpha", "gamma"], "cve": ["CVE-1", "CVE-2"], "solution": "update" },
        { "type": vulnerability, "plugin_id": 1, "plugin_name": "check 1", "severity": "High", "cvss_score": 7.1,
          "host_count": 3, "hosts": ["alpha", "beta", "gamma"] },
        { "type": vulnerability, "plugin_id": 3, "plugin_name": "check 3", "severity": "Info", "host_count": 2,
          "hosts": ["alpha", "beta"] },
    ]);
    assert_eq!(records_of(&lines), expected);
}

#[tokio::test]
async fn filters_apply_to_findings_before_grouping() {
    let scan = CompletedScan::with_report(&report(), "", json!({})).await;
    let lines = scan.lines(json!({ "schema_profile": "triage", "filters": { "host": "=beta" } })).await;
    assert_eq!(lines[0]["total_vulnerabilities"], 2);
    let found = records(&lines);
    assert_eq!((&found[0]["plugin_id"], &found[0]["hosts"]), (&json!(1), &json!(["beta"])));
    assert_eq!((&found[1]["plugin_id"], &found[1]["host_count"]), (&json!(3), &json!(1)));
    let (code, message, _) =
        scan.refused_results(json!({ "schema_profile": "triage", "filters": { "host_count": ">1" } })).await;
    assert_eq!(code, "invalid_argument");
    assert!(message.contains("host_count"), "a field of groups cannot filter findings: {message}");
}

#[tokio::test]
async fn grouping_profile_of_an_operator_is_paged_and_listed() {
    let items: String = (0..25).map(|check| item(check, 2, "")).collect();
    let report = format!(
        "<NessusClientData_v2><Report name=\"r\"><ReportHost name=\"a\">{items}</ReportHost>\
         <ReportHost name=\"b\">{items}</ReportHost></Report></NessusClientData_v2>"
    );
    let profile = "checks: {fields: [plugin_id, on], group: {by: [plugin_id], fields: {on: {distinct: host}, n: count}}, \
        order: [-n, -plugin_id]}\n";
    let scan = CompletedScan::with_report(&report, profile, json!({})).await;
    let mut found = Vec::new();
    for page in 1..=3 {
        let lines = scan.lines(json!({ "schema_profile": "checks", "page": page, "page_size": 10 })).await;
        assert_eq!((&lines[0]["total_vulnerabilities"], &lines[0]["total_pages"]), (&json!(25), &json!(3)));
        found.extend(records(&lines).iter().map(|row| (row["plugin_id"].as_u64(), row["on"].as_u64())));
    }
    assert_eq!(found, (0..25).rev().map(|check| (Some(check), Some(2))).collect::<Vec<_>>());
    let listed = scan.mcp.call_ok("list_profiles", json!({})).await;
    let listed = listed["profiles"].as_array().expect("a list").iter().find(|profile| profile["name"] == "checks");
    assert_eq!(listed.expect("the profile is listed")["fields"][1]["type"], "integer");
}

#[tokio::test]
async fn triage_profile_of_an_operator_replaces_the_built_in_one() {
    let scan = CompletedScan::with_report(&report(), "triage: {fields: [host]}\n", json!({})).await;
    let lines = scan.lines(json!({ "schema_profile": "triage" })).await;
    assert_eq!(lines[0]["fields"], json!(["host"]));
    assert_eq!(lines[0]["total_vulnerabilities"], 9);
}
