//! Profiles: the built-in ones, the default of a scan, and profiles of the operator.

use serde_json::{Value, json};

use crate::completed_scan::{CompletedScan, REPORT, keys, plugin_ids, records};

const MINIMAL: [&str; 6] = ["host", "plugin_id", "severity", "cve", "cvss_score", "exploit_available"];

#[tokio::test]
async fn built_in_profiles_show_their_fields_in_order() {
    let scan = CompletedScan::with_profiles("").await;
    let summary = [&MINIMAL[..], &["plugin_name", "cvss3_base_score", "synopsis"]].concat();
    let brief = [&summary[..], &["description", "solution"]].concat();
    // The fields are in the order of their first occurrence in the report.
    let full = [
        "host",
        "plugin_id",
        "plugin_name",
        "plugin_family",
        "severity",
        "severity_id",
        "port",
        "protocol",
        "svc_name",
        "host_ip",
        "cvss_score",
        "synopsis",
        "description",
        "solution",
        "cve",
        "cvss_base_score",
        "cvss3_base_score",
        "exploit_available",
        "plugin_output",
    ];
    for (profile, fields) in [("minimal", &MINIMAL[..]), ("summary", &summary), ("brief", &brief)] {
        let lines = scan.lines(json!({ "schema_profile": profile })).await;
        assert_eq!(lines[0]["profile"], profile);
        assert_eq!(lines[0]["fields"], json!(fields), "{profile}");
        assert_eq!(keys(&lines[0]["field_types"]), fields, "{profile}");
        let first = records(&lines)[0];
        // The first finding has all of these fields.
        assert_eq!(keys(first), [&["type"], fields].concat(), "{profile}");
    }
    let lines = scan.lines(json!({ "schema_profile": "full" })).await;
    let mut shown: Vec<&str> =
        lines[0]["fields"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(keys(records(&lines)[0])[1..], shown, "the first finding has every field of the report");
    shown.sort_unstable();
    let mut full = full.to_vec();
    full.sort_unstable();
    assert_eq!(shown, full, "the profile shows exactly the fields of the report");
}

#[tokio::test]
async fn brief_is_the_default() {
    let scan = CompletedScan::with_profiles("").await;
    let (default, brief) = (scan.lines(json!({})).await, scan.lines(json!({ "schema_profile": "brief" })).await);
    assert_eq!(default, brief);
    assert_eq!(default[0]["profile"], "brief");
}

#[tokio::test]
async fn scan_may_have_its_own_default_profile() {
    let scan = CompletedScan::with_report(REPORT, "", json!({ "schema_profile": "minimal" })).await;
    let profile = async |arguments: Value| scan.lines(arguments).await[0]["profile"].clone();
    assert_eq!(profile(json!({})).await, "minimal");
    assert_eq!(profile(json!({ "schema_profile": null })).await, "minimal");
    assert_eq!(profile(json!({ "schema_profile": "summary" })).await, "summary");
    let lines = scan.lines(json!({ "custom_fields": ["port"] })).await;
    assert_eq!(lines[0]["fields"], json!(["port"]), "custom fields replace the default profile of the scan");
}

#[tokio::test]
async fn custom_fields_are_shown_in_the_requested_order() {
    let scan = CompletedScan::with_profiles("").await;
    let lines = scan.lines(json!({ "custom_fields": ["svc_name", "host", "vpr_score"] })).await;
    assert_eq!(
        lines[0]["fields"],
        json!(["svc_name", "host", "vpr_score"]),
        "a known field that no finding has is listed, too"
    );
    let types = json!({ "svc_name": "text", "host": "text", "vpr_score": "number" });
    assert_eq!(lines[0]["field_types"], types);
    assert_eq!(records(&lines)[0].to_string(), r#"{"type":"vulnerability","svc_name":"www","host":"alpha"}"#);
}

const SOC: &str = "soc: {fields: [host, port, plugin_id, cvss_score], filters: {severity: '>=Medium'}, \
    order: [-cvss_score, host]}\n";

#[tokio::test]
async fn profile_of_an_operator_filters_and_orders() {
    let scan = CompletedScan::with_profiles(SOC).await;
    let lines = scan.lines(json!({ "schema_profile": "soc" })).await;
    assert_eq!(lines[0]["fields"], json!(["host", "port", "plugin_id", "cvss_score"]));
    assert_eq!(lines[0]["filters_applied"], json!({ "severity": ">=Medium" }));
    // Findings 7 and 2 have the same score and are ordered by host, which differs from the order of the report.
    assert_eq!(plugin_ids(&lines), [1, 6, 7, 2, 3]);
    assert_eq!(lines[0]["total_vulnerabilities"], 5);
    assert_eq!(lines[1]["severity_counts"]["info"], 1, "the metadata describes the whole report");
}

#[tokio::test]
async fn standing_filters_and_filters_of_the_agent_both_apply() {
    let scan = CompletedScan::with_profiles(SOC).await;
    let lines = scan.lines(json!({ "schema_profile": "soc", "filters": { "port": 22 } })).await;
    assert_eq!(plugin_ids(&lines), [2], "finding 4 is on the port, but below the severity of the profile");
    assert_eq!(lines[0]["filters_applied"], json!({ "severity": ">=Medium", "port": 22 }));
    let lines = scan.lines(json!({ "schema_profile": "soc", "filters": { "severity": "<=High" } })).await;
    assert_eq!(plugin_ids(&lines), [6, 7, 2, 3], "both filters on the severity apply");
}

#[tokio::test]
async fn standing_filter_on_an_unknown_field_is_an_error() {
    let scan = CompletedScan::with_profiles("slip: {fields: [host], filters: {severty: High}}\n").await;
    let (code, message, hint) = scan.refused_results(json!({ "schema_profile": "slip" })).await;
    assert_eq!(code, "invalid_argument");
    for expected in ["`slip`", "\"severty\"", "did you mean `severity`?"] {
        assert!(message.contains(expected), "{message}");
    }
    assert!(hint.contains("another schema_profile") && hint.contains("plugin_output"), "{hint}");
}

#[tokio::test]
async fn ordered_results_are_paged_in_order() {
    let items: String = (0..25)
        .map(|number| {
            format!(
                "<ReportItem port=\"0\" svc_name=\"general\" protocol=\"tcp\" severity=\"2\" pluginID=\"{number}\" \
                 pluginName=\"n\" pluginFamily=\"f\"><cvss3_base_score>{}.5</cvss3_base_score></ReportItem>",
                number % 10
            )
        })
        .collect();
    let report = format!(
        "<NessusClientData_v2><Report name=\"r\"><ReportHost name=\"h\">{items}</ReportHost></Report></NessusClientData_v2>"
    );
    let scan = CompletedScan::with_report(&report, SOC, json!({})).await;
    let mut expected: Vec<u64> = (0..25).collect();
    expected.sort_by_key(|number| std::cmp::Reverse(number % 10));
    let mut found = Vec::new();
    for page in 1..=3 {
        found.extend(plugin_ids(&scan.lines(json!({ "schema_profile": "soc", "page": page, "page_size": 10 })).await));
    }
    assert_eq!(found, expected);
}
