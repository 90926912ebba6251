//! Every row of the filter table, with values that match and values that do not.

use scanhost_it::output::Output;
use serde_json::{Value, json};

use crate::completed_scan::{CompletedScan, REPORT};

const EVERY: [u64; 7] = [1, 2, 3, 4, 5, 6, 7];

/// Filters, with the plugin ids of the findings that they match. The profile `minimal` hides most of the filtered
/// fields.
fn table() -> Vec<(Value, Vec<u64>)> {
    vec![
        // A text matches a substring in any case, or with `=` the whole text.
        (json!({ "plugin_name": "ssh" }), vec![2, 4]),
        (json!({ "plugin_name": "SSL cert" }), vec![3]),
        (json!({ "plugin_name": "telnet" }), vec![]),
        (json!({ "plugin_name": "=ssh weak algorithms" }), vec![4]),
        (json!({ "plugin_name": "=ssh" }), vec![]),
        (json!({ "host": "=BETA" }), vec![4, 5, 6]),
        (json!({ "plugin_output": "LOG4J" }), vec![1]),
        (json!({ "plugin_output": 2.14 }), vec![1]),
        (json!({ "plugin_output": 3 }), vec![]),
        (json!({ "description": true }), vec![3]),
        // A list matches if some element does.
        (json!({ "cve": "cve-2021" }), vec![1]),
        (json!({ "cve": "=cve-2021-45046" }), vec![1]),
        (json!({ "cve": "=CVE-2021" }), vec![]),
        (json!({ "cve": 2016 }), vec![2]),
        (json!({ "cve": "CVE-1999" }), vec![]),
        (json!({ "cve": ["0777", "0144"] }), vec![2, 6]),
        // `!` negates, but a finding without the field never matches.
        (json!({ "plugin_name": "!ssh" }), vec![1, 3, 5, 6, 7]),
        (json!({ "plugin_name": "!=SSH Weak Algorithms" }), vec![1, 2, 3, 5, 6, 7]),
        (json!({ "cve": "!CVE-2021-44228" }), vec![2, 6]),
        (json!({ "plugin_output": "!log4j" }), vec![]),
        (json!({ "port": "!22" }), vec![1, 3, 5, 6, 7]),
        (json!({ "cvss_score": "!>7" }), vec![3, 4]),
        (json!({ "severity": "!High" }), vec![1, 3, 4, 5]),
        (json!({ "exploit_available": "!true" }), vec![2]),
        // A list of values matches if any value without `!` and every value with `!` matches.
        (json!({ "plugin_name": ["ssh", "smb"] }), vec![2, 4, 6]),
        (json!({ "plugin_name": ["!ssh", "!smb"] }), vec![1, 3, 5, 7]),
        (json!({ "plugin_name": ["ss", "!weak"] }), vec![2, 3]),
        (json!({ "port": [22, "443"] }), vec![1, 2, 4]),
        (json!({ "port": ["!22", "!0"] }), vec![1, 6, 7]),
        (json!({ "port": [">100", "<22"] }), vec![1, 3, 5, 6]),
        (json!({ "severity": ["low", 4] }), vec![1, 4]),
        (json!({ "severity": ["!low", "!info", "!high"] }), vec![1, 3]),
        (json!({ "exploit_available": [true, "false"] }), vec![1, 2, 6]),
        // Integers support comparisons.
        (json!({ "port": 22 }), vec![2, 4]),
        (json!({ "port": "22" }), vec![2, 4]),
        (json!({ "port": 22.0 }), vec![2, 4]),
        (json!({ "port": 2 }), vec![]),
        (json!({ "port": ">=443" }), vec![1, 6]),
        (json!({ "port": " > 443 " }), vec![6]),
        (json!({ "port": "<22" }), vec![3, 5]),
        (json!({ "port": "<= 22" }), vec![2, 3, 4, 5]),
        (json!({ "port": "=0" }), vec![3, 5]),
        (json!({ "severity_id": ">=3" }), vec![1, 2, 6, 7]),
        // Numbers support comparisons.
        (json!({ "cvss_score": ">7.0" }), vec![1, 2, 6, 7]),
        (json!({ "cvss_score": ">=7.5" }), vec![1, 2, 6, 7]),
        (json!({ "cvss_score": ">7.5" }), vec![1, 6]),
        (json!({ "cvss_score": "<3" }), vec![4]),
        (json!({ "cvss_score": "<=6.5" }), vec![3, 4]),
        (json!({ "cvss_score": "=8.1" }), vec![6]),
        (json!({ "cvss_score": "8.1" }), vec![6]),
        (json!({ "cvss_score": 10 }), vec![1]),
        (json!({ "cvss_score": "10.0" }), vec![1]),
        (json!({ "cvss_score": 9.3 }), vec![]),
        // Severities are names or numbers, and support comparisons.
        (json!({ "severity": "Critical" }), vec![1]),
        (json!({ "severity": "high" }), vec![2, 6, 7]),
        (json!({ "severity": 4 }), vec![1]),
        (json!({ "severity": "4" }), vec![1]),
        (json!({ "severity": 0 }), vec![5]),
        (json!({ "severity": ">=3" }), vec![1, 2, 6, 7]),
        (json!({ "severity": "< High" }), vec![3, 4, 5]),
        (json!({ "severity": "<=low" }), vec![4, 5]),
        (json!({ "severity": "> Critical" }), vec![]),
        // Booleans are values or texts.
        (json!({ "exploit_available": true }), vec![1, 6]),
        (json!({ "exploit_available": "true" }), vec![1, 6]),
        (json!({ "exploit_available": false }), vec![2]),
        (json!({ "exploit_available": "false" }), vec![2]),
        // All terms have to match, and an empty filter matches everything.
        (json!({ "severity": ">=High", "port": "22" }), vec![2]),
        (json!({ "severity": ">=High", "port": "22", "host": "beta" }), vec![]),
        (json!({}), EVERY.to_vec()),
        // A known field that no finding of this report has never matches.
        (json!({ "vpr_score": ">1" }), vec![]),
        (json!({ "vpr_score": "!1" }), vec![]),
    ]
}

#[tokio::test]
async fn every_filter_matches_the_expected_findings() {
    let scan = CompletedScan::with_profiles("").await;
    for (filters, expected) in table() {
        assert_eq!(scan.matching_ids(filters.clone()).await, expected, "for {filters}");
    }
}

#[tokio::test]
async fn filters_work_the_same_under_every_profile() {
    let scan = CompletedScan::with_profiles("ports: {fields: [port]}\n").await;
    for (filters, expected) in table() {
        for profile in ["minimal", "full", "ports"] {
            let lines = scan.lines(json!({ "schema_profile": profile, "filters": filters })).await;
            assert_eq!(lines[0]["total_vulnerabilities"], expected.len(), "{profile}: {filters}");
            assert_eq!(lines[0]["filters_applied"], filters, "{profile}");
        }
    }
}

#[tokio::test]
async fn invalid_filter_is_an_error() {
    let scan = CompletedScan::with_profiles("").await;
    let table = [
        (json!({ "plugin_name": "" }), "plugin_name"),
        (json!({ "plugin_name": "!" }), "plugin_name"),
        (json!({ "plugin_name": [] }), "plugin_name"),
        (json!({ "plugin_name": null }), "plugin_name"),
        (json!({ "plugin_name": ["ssh", ""] }), "plugin_name"),
        (json!({ "plugin_name": ["ssh", "!"] }), "plugin_name"),
        (json!({ "plugin_name": ["ssh", null] }), "plugin_name"),
        (json!({ "plugin_name": [["ssh"]] }), "plugin_name"),
        (json!({ "plugin_name": { "like": "ssh" } }), "plugin_name"),
        (json!({ "cve": "" }), "cve"),
        (json!({ "cve": [] }), "cve"),
        (json!({ "port": "ssh" }), "port"),
        (json!({ "port": "" }), "port"),
        (json!({ "port": true }), "port"),
        (json!({ "port": ">" }), "port"),
        (json!({ "port": [22, "ssh"] }), "port"),
        (json!({ "cvss_score": "high" }), "cvss_score"),
        (json!({ "cvss_score": ">=x" }), "cvss_score"),
        (json!({ "cvss_score": "NaN" }), "cvss_score"),
        (json!({ "cvss_score": null }), "cvss_score"),
        (json!({ "severity": "urgent" }), "severity"),
        (json!({ "severity": 5 }), "severity"),
        (json!({ "severity": "!" }), "severity"),
        (json!({ "exploit_available": "maybe" }), "exploit_available"),
        (json!({ "exploit_available": [] }), "exploit_available"),
        (json!({ "no_such_field": "x" }), "no_such_field"),
        (json!({ "vpr_score": "x" }), "vpr_score"),
    ];
    for (filters, field) in table {
        let (code, message, hint) = scan.refused_results(json!({ "filters": filters })).await;
        assert_eq!(code, "invalid_argument", "for {filters}");
        assert!(message.contains(field), "{filters}: the message does not name the field: {message}");
        assert!(!hint.is_empty(), "for {filters}");
    }
    for not_filters in [json!("severity"), json!([]), json!(3)] {
        let (code, ..) = scan.refused_results(json!({ "filters": not_filters })).await;
        assert_eq!(code, "invalid_argument", "for {not_filters}");
    }
}

#[tokio::test]
async fn unknown_field_gets_a_hint_with_existing_ones() {
    let scan = CompletedScan::with_profiles("").await;
    let (_, _, hint) = scan.refused_results(json!({ "filters": { "severty": "High" } })).await;
    for known in ["severity", "plugin_output", "vpr_score"] {
        assert!(hint.contains(known), "{hint}");
    }
}

#[tokio::test]
async fn command_line_filters_equal_json_filters() {
    let scan = CompletedScan::with_profiles("").await;
    let file = scan.home.path().join("known.nessus");
    std::fs::write(&file, REPORT).expect("a file can be written");
    for (filters, expected) in table() {
        let mut command = scan.home.command(&["report", "known.nessus", "--fields", "plugin_id", "--page", "0"]);
        command.env("XDG_CACHE_HOME", scanhost_it::program::compiled_plugins());
        for option in filter_options(&filters) {
            command.args(["--filter", &option]);
        }
        let output = Output::run(command);
        assert_eq!(output.code, Some(0), "{filters}: {}", output.stderr);
        let found: Vec<u64> = output.records().iter().filter_map(|record| record["plugin_id"].as_u64()).collect();
        assert_eq!(found, expected, "for {filters}");
    }
}

/// The filters as command-line options K=V, with a key per value of a list.
fn filter_options(filters: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let terms = filters.as_object().expect("filters are an object").iter();
    let words = terms.flat_map(|(field, value)| match value {
        Value::Array(values) => values.iter().map(|value| format!("{field}={}", text(value))).collect::<Vec<_>>(),
        value => vec![format!("{field}={}", text(value))],
    });
    words.collect()
}
