//! `compare_scans` and `scanhost compare`.

use std::time::Duration;

use scanhost_it::{scans::submit, server::Home};
use serde_json::{Value, json};

use crate::reference_host::{ReferenceHost, reference_summary, reports_folder, run, three_reports, write_file};

const LISTS: [&str; 4] = ["new", "gone", "severity_changed", "still_there"];

/// A report of one host with these findings, each of a plugin and a severity.
fn report(findings: &[(u32, u32)]) -> String {
    let item = |(id, severity): &(u32, u32)| {
        format!("<ReportItem port='80' protocol='tcp' pluginID='{id}' severity='{severity}' pluginName='p{id}'/>")
    };
    let items: String = findings.iter().map(item).collect();
    format!("<Report><ReportHost name='h'>{items}</ReportHost></Report>")
}

/// Calls `compare_scans` until no list is truncated any more, and joins the answers.
async fn compare_completely(host: &ReferenceHost, baseline: &str, current: &str) -> Value {
    let mut arguments = json!({ "baseline_task_id": baseline, "task_id": current, "limit": 7 });
    let mut first = host.call_validated("compare_scans", arguments.clone()).await;
    let mut next = first.as_object_mut().expect("an object").remove("resume");
    while let Some(resume) = next {
        arguments["skip"] = resume["skip"].clone();
        arguments["limit"] = resume["limit"].clone();
        let mut more = host.call_validated("compare_scans", arguments.clone()).await;
        for list in LISTS {
            let more = more[list].as_array().expect("a list").clone();
            assert!(more.len() <= 7);
            first[list].as_array_mut().expect("a list").extend(more);
        }
        next = more.as_object_mut().expect("an object").remove("resume");
    }
    first
}

#[tokio::test]
async fn comparisons_equal_the_reference() {
    let host = ReferenceHost::start().await;
    let mut ids = Vec::new();
    for report in three_reports() {
        ids.push((host.run_scan(&report).await, report));
    }
    for (baseline, current) in [(0, 1), (1, 0), (2, 2), (0, 2)] {
        let ((before, baseline), (after, current)) = (&ids[baseline], &ids[current]);
        let answer = compare_completely(&host, before, after).await;
        assert_eq!((&answer["baseline_task_id"], &answer["task_id"]), (&json!(before), &json!(after)));
        for (key, value) in reference_summary(&[baseline, current]).as_object().expect("the reference prints an object")
        {
            assert_eq!(answer[key], *value, "{baseline} and {current}: {key}");
        }
    }
    let elsewhere = submit(&host.mcp, json!({ "name": ids[2].1, "targets": "10.0.0.9" })).await;
    host.mcp.wait_for_end(&elsewhere, Duration::from_secs(60)).await;
    let table = [(&ids[2].0, Some("the same scan")), (&elsewhere, Some("the targets differ")), (&ids[0].0, None)];
    for (baseline, expected) in table {
        let answer = compare_completely(&host, baseline, &ids[2].0).await;
        let warning = answer["warnings"].as_array().map(|warnings| warnings[0].as_str().expect("text").to_owned());
        assert_eq!(warning.is_some(), expected.is_some(), "{answer}");
        assert!(expected.is_none_or(|expected| warning.is_some_and(|warning| warning.contains(expected))), "{answer}");
    }
    let home = host.stop();
    let config = home.config().display().to_string();
    let output = run(&home, &["compare", &ids[0].0, &ids[1].0, "--json", "--config", &config]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let answer: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(
        answer["counts"],
        reference_summary(&[&ids[0].1, &ids[1].1])["counts"],
        "the command works without a server, too"
    );
}

#[test]
fn every_kind_of_change_is_listed() {
    let home = Home::new(&[]);
    let before = write_file(&home, "before.nessus", &report(&[(1, 4), (2, 3), (3, 2), (4, 1), (4, 3)]));
    let after = write_file(&home, "after.nessus", &report(&[(2, 3), (3, 4), (4, 3), (5, 0), (6, 4)]));
    let output = run(&home, &["compare", &before, &after, "--json"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let answer: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let plugins = |list: &str| {
        let list = answer[list].as_array().expect("a list").iter();
        list.map(|change| change["plugin_id"].as_u64().expect("an id")).collect::<Vec<_>>()
    };
    assert_eq!(LISTS.map(plugins), [vec![6, 5], vec![1], vec![3], vec![2, 4]]);
    assert_eq!(answer["counts"], json!({ "new": 2, "gone": 1, "still_there": 2, "severity_changed": 1 }));
    let changed = json!({ "host": "h", "port": 80, "protocol": "tcp", "plugin_id": 3, "plugin_name": "p3",
        "severity": "Critical", "baseline_severity": "Medium" });
    assert_eq!(answer["severity_changed"][0], changed);
    let table = run(&home, &["compare", &before, &after, "--limit", "1"]).stdout;
    assert!(table.contains("2 new, 1 gone, 2 still there, 1 with a changed severity"), "{table}");
    assert!(table.contains("--skip 1"), "{table}");
    for change in ["new", "gone", "severity changed", "still there"] {
        assert!(table.contains(&format!(" {change} ")), "{table}");
    }
}

#[test]
fn missing_file_or_scan_is_named_in_the_error() {
    let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: m1}]")]);
    let file = write_file(&home, "one.nessus", &report(&[]));
    let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let config = home.config().display().to_string();
    for (arguments, expected) in [
        (vec!["compare", &file, "missing.nessus"], "missing.nessus"),
        (vec!["compare", id, id, "--config", &config], "no scan"),
    ] {
        let output = run(&home, &arguments);
        assert_eq!(output.code, Some(1), "{arguments:?}");
        assert!(output.stderr.contains(expected), "{arguments:?}: {}", output.stderr);
    }
    let same = reports_folder().join("several_hosts.nessus");
    if same.is_file() {
        let same = same.display().to_string();
        let output = run(&home, &["compare", &same, &same]);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        assert!(output.stdout.contains("\n0 new, 0 gone"), "{}", output.stdout);
    }
}
