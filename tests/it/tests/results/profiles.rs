//! Profiles: those that come with the program, a scan's own default, and the operator's.

use serde_json::{Value, json};

use crate::reported::{REPORT, Reported, ids, keys, records};

const MINIMAL: [&str; 6] = ["host", "plugin_id", "severity", "cve", "cvss_score", "exploit_available"];

#[tokio::test]
async fn built_in_profiles_show_their_fields_in_order() {
    let reported = Reported::new("").await;
    let summary = [&MINIMAL[..], &["plugin_name", "cvss3_base_score", "synopsis"]].concat();
    let brief = [&summary[..], &["description", "solution"]].concat();
    // By first appearance in the report.
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
        let lines = reported.lines(json!({ "schema_profile": profile })).await;
        assert_eq!(lines[0]["profile"], profile);
        assert_eq!(lines[0]["fields"], json!(fields), "{profile}");
        assert_eq!(keys(&lines[0]["field_types"]), fields, "{profile}");
        let first = records(&lines)[0];
        // The first finding has all of these fields.
        assert_eq!(keys(first), [&["type"], fields].concat(), "{profile}");
    }
    let lines = reported.lines(json!({ "schema_profile": "full" })).await;
    let mut shown: Vec<&str> =
        lines[0]["fields"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(keys(records(&lines)[0])[1..], shown, "the first finding has every field of this report");
    shown.sort_unstable();
    let mut full = full.to_vec();
    full.sort_unstable();
    assert_eq!(shown, full, "every field that the report has, and no other");
}

#[tokio::test]
async fn brief_is_the_default() {
    let reported = Reported::new("").await;
    let (default, brief) =
        (reported.lines(json!({})).await, reported.lines(json!({ "schema_profile": "brief" })).await);
    assert_eq!(default, brief);
    assert_eq!(default[0]["profile"], "brief");
}

#[tokio::test]
async fn a_scan_may_have_a_default_of_its_own() {
    let reported = Reported::submitted(REPORT, "", json!({ "schema_profile": "minimal" })).await;
    let profile = async |arguments: Value| reported.lines(arguments).await[0]["profile"].clone();
    assert_eq!(profile(json!({})).await, "minimal");
    assert_eq!(profile(json!({ "schema_profile": null })).await, "minimal");
    assert_eq!(profile(json!({ "schema_profile": "summary" })).await, "summary");
    let lines = reported.lines(json!({ "custom_fields": ["port"] })).await;
    assert_eq!(lines[0]["fields"], json!(["port"]), "custom fields need no explicit profile to be left out");
}

#[tokio::test]
async fn custom_fields_come_in_the_order_asked_for() {
    let reported = Reported::new("").await;
    let lines = reported.lines(json!({ "custom_fields": ["svc_name", "host", "vpr_score"] })).await;
    assert_eq!(lines[0]["fields"], json!(["svc_name", "host", "vpr_score"]), "also a known one that no finding has");
    let types = json!({ "svc_name": "text", "host": "text", "vpr_score": "number" });
    assert_eq!(lines[0]["field_types"], types);
    assert_eq!(records(&lines)[0].to_string(), r#"{"type":"vulnerability","svc_name":"www","host":"alpha"}"#);
}

const SOC: &str = "soc: {fields: [host, port, plugin_id, cvss_score], filters: {severity: '>=Medium'}, \
    order: [-cvss_score, host]}\n";

#[tokio::test]
async fn an_operators_profile_filters_and_orders() {
    let reported = Reported::new(SOC).await;
    let lines = reported.lines(json!({ "schema_profile": "soc" })).await;
    assert_eq!(lines[0]["fields"], json!(["host", "port", "plugin_id", "cvss_score"]));
    assert_eq!(lines[0]["filters_applied"], json!({ "severity": ">=Medium" }));
    // 7 and 2 have the same score: then by host, which is not the report's order.
    assert_eq!(ids(&lines), [1, 6, 7, 2, 3]);
    assert_eq!(lines[0]["total_vulnerabilities"], 5);
    assert_eq!(lines[1]["severity_counts"]["info"], 1, "metadata is of the whole report");
}

#[tokio::test]
async fn standing_filters_and_the_agents_both_hold() {
    let reported = Reported::new(SOC).await;
    let lines = reported.lines(json!({ "schema_profile": "soc", "filters": { "port": 22 } })).await;
    assert_eq!(ids(&lines), [2], "4 is on the port, but below the profile's severity");
    assert_eq!(lines[0]["filters_applied"], json!({ "severity": ">=Medium", "port": 22 }));
    let lines = reported.lines(json!({ "schema_profile": "soc", "filters": { "severity": "<=High" } })).await;
    assert_eq!(ids(&lines), [6, 7, 2, 3], "both terms on the severity hold");
}

#[tokio::test]
async fn a_standing_filter_on_a_field_that_nobody_knows_is_no_empty_answer() {
    let reported = Reported::new("slip: {fields: [host], filters: {severty: High}}\n").await;
    let (code, message, hint) = reported.refused(json!({ "schema_profile": "slip" })).await;
    assert_eq!(code, "invalid_argument");
    for said in ["`slip`", "\"severty\"", "did you mean `severity`?"] {
        assert!(message.contains(said), "{message}");
    }
    assert!(hint.contains("another schema_profile") && hint.contains("plugin_output"), "{hint}");
}

#[tokio::test]
async fn ordered_results_are_paged_in_their_order() {
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
    let reported = Reported::submitted(&report, SOC, json!({})).await;
    let mut expected: Vec<u64> = (0..25).collect();
    expected.sort_by_key(|number| std::cmp::Reverse(number % 10));
    let mut found = Vec::new();
    for page in 1..=3 {
        found.extend(ids(&reported.lines(json!({ "schema_profile": "soc", "page": page, "page_size": 10 })).await));
    }
    assert_eq!(found, expected);
}
