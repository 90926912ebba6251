//! Every row of the filter table, with values that match and values that do not.

use scanhost_it::output::Output;
use serde_json::{Value, json};

use crate::reported::{REPORT, Reported};

const EVERY: [u64; 7] = [1, 2, 3, 4, 5, 6, 7];

/// Filters, and the findings that they match. No field of these is shown by the profile `minimal` but a few.
fn table() -> Vec<(Value, Vec<u64>)> {
    vec![
        // Text: a substring in any case, or the whole.
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
        // Lists: some element.
        (json!({ "cve": "cve-2021" }), vec![1]),
        (json!({ "cve": "=cve-2021-45046" }), vec![1]),
        (json!({ "cve": "=CVE-2021" }), vec![]),
        (json!({ "cve": 2016 }), vec![2]),
        (json!({ "cve": "CVE-1999" }), vec![]),
        (json!({ "cve": ["0777", "0144"] }), vec![2, 6]),
        // Not; and a finding without the field never matches.
        (json!({ "plugin_name": "!ssh" }), vec![1, 3, 5, 6, 7]),
        (json!({ "plugin_name": "!=SSH Weak Algorithms" }), vec![1, 2, 3, 5, 6, 7]),
        (json!({ "cve": "!CVE-2021-44228" }), vec![2, 6]),
        (json!({ "plugin_output": "!log4j" }), vec![]),
        (json!({ "port": "!22" }), vec![1, 3, 5, 6, 7]),
        (json!({ "cvss_score": "!>7" }), vec![3, 4]),
        (json!({ "severity": "!High" }), vec![1, 3, 4, 5]),
        (json!({ "exploit_available": "!true" }), vec![2]),
        // Lists of values: any of them, and all of those with `!`.
        (json!({ "plugin_name": ["ssh", "smb"] }), vec![2, 4, 6]),
        (json!({ "plugin_name": ["!ssh", "!smb"] }), vec![1, 3, 5, 7]),
        (json!({ "plugin_name": ["ss", "!weak"] }), vec![2, 3]),
        (json!({ "port": [22, "443"] }), vec![1, 2, 4]),
        (json!({ "port": ["!22", "!0"] }), vec![1, 6, 7]),
        (json!({ "port": [">100", "<22"] }), vec![1, 3, 5, 6]),
        (json!({ "severity": ["low", 4] }), vec![1, 4]),
        (json!({ "severity": ["!low", "!info", "!high"] }), vec![1, 3]),
        (json!({ "exploit_available": [true, "false"] }), vec![1, 2, 6]),
        // Integers.
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
        // Numbers.
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
        // Severities.
        (json!({ "severity": "Critical" }), vec![1]),
        (json!({ "severity": "high" }), vec![2, 6, 7]),
        (json!({ "severity": 4 }), vec![1]),
        (json!({ "severity": "4" }), vec![1]),
        (json!({ "severity": 0 }), vec![5]),
        (json!({ "severity": ">=3" }), vec![1, 2, 6, 7]),
        (json!({ "severity": "< High" }), vec![3, 4, 5]),
        (json!({ "severity": "<=low" }), vec![4, 5]),
        (json!({ "severity": "> Critical" }), vec![]),
        // Booleans.
        (json!({ "exploit_available": true }), vec![1, 6]),
        (json!({ "exploit_available": "true" }), vec![1, 6]),
        (json!({ "exploit_available": false }), vec![2]),
        (json!({ "exploit_available": "false" }), vec![2]),
        // All terms must hold, and no terms always do.
        (json!({ "severity": ">=High", "port": "22" }), vec![2]),
        (json!({ "severity": ">=High", "port": "22", "host": "beta" }), vec![]),
        (json!({}), EVERY.to_vec()),
        // Known, but not in this report: no finding has it.
        (json!({ "vpr_score": ">1" }), vec![]),
        (json!({ "vpr_score": "!1" }), vec![]),
    ]
}

#[tokio::test]
async fn every_row_of_the_filter_table_matches_what_it_says() {
    let reported = Reported::new("").await;
    for (filters, expected) in table() {
        assert_eq!(reported.matching(filters.clone()).await, expected, "for {filters}");
    }
}

#[tokio::test]
async fn filters_read_the_same_under_every_profile() {
    let reported = Reported::new("ports: {fields: [port]}\n").await;
    for (filters, expected) in table() {
        for profile in ["minimal", "full", "ports"] {
            let lines = reported.lines(json!({ "schema_profile": profile, "filters": filters })).await;
            assert_eq!(lines[0]["total_vulnerabilities"], expected.len(), "{profile}: {filters}");
            assert_eq!(lines[0]["filters_applied"], filters, "{profile}");
        }
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_meant_is_an_error() {
    let reported = Reported::new("").await;
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
    for (filters, named) in table {
        let (code, message, hint) = reported.refused(json!({ "filters": filters })).await;
        assert_eq!(code, "invalid_argument", "for {filters}");
        assert!(message.contains(named), "{filters}: the message names the field: {message}");
        assert!(!hint.is_empty(), "for {filters}");
    }
    for not_filters in [json!("severity"), json!([]), json!(3)] {
        let (code, ..) = reported.refused(json!({ "filters": not_filters })).await;
        assert_eq!(code, "invalid_argument", "for {not_filters}");
    }
}

#[tokio::test]
async fn an_unknown_field_is_answered_with_those_that_exist() {
    let reported = Reported::new("").await;
    let (_, _, hint) = reported.refused(json!({ "filters": { "severty": "High" } })).await;
    for known in ["severity", "plugin_output", "vpr_score"] {
        assert!(hint.contains(known), "{hint}");
    }
}

#[tokio::test]
async fn the_command_line_reads_filters_as_json_does() {
    let reported = Reported::new("").await;
    let file = reported.home.path().join("known.nessus");
    std::fs::write(&file, REPORT).expect("a file can be written");
    for (filters, expected) in table() {
        let mut command = reported.home.command(&["report", "known.nessus", "--fields", "plugin_id", "--page", "0"]);
        command.env("XDG_CACHE_HOME", scanhost_it::program::compiled_plugins());
        for word in words(&filters) {
            command.args(["--filter", &word]);
        }
        let output = Output::of(command);
        assert_eq!(output.code, Some(0), "{filters}: {}", output.stderr);
        let found: Vec<u64> = output.records().iter().filter_map(|record| record["plugin_id"].as_u64()).collect();
        assert_eq!(found, expected, "for {filters}");
    }
}

/// The same filters as words: K=V, a key given twice for a list.
fn words(filters: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let terms = filters.as_object().expect("filters are an object").iter();
    let words = terms.flat_map(|(field, value)| match value {
        Value::Array(values) => values.iter().map(|value| format!("{field}={}", text(value))).collect::<Vec<_>>(),
        value => vec![format!("{field}={}", text(value))],
    });
    words.collect()
}
