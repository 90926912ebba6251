//! `compare_scans` and `scanhost compare`.

use std::time::Duration;

use scanhost_it::{raw::submit, server::Home};
use serde_json::{Value, json};

use crate::scanned::{Scanned, expected, reports, run, three, write};

const LISTS: [&str; 4] = ["new", "gone", "severity_changed", "still_there"];

/// One host with these findings: plugin and severity.
fn report(findings: &[(u32, u32)]) -> String {
    let item = |(id, severity): &(u32, u32)| {
        format!("<ReportItem port='80' protocol='tcp' pluginID='{id}' severity='{severity}' pluginName='p{id}'/>")
    };
    let items: String = findings.iter().map(item).collect();
    format!("<Report><ReportHost name='h'>{items}</ReportHost></Report>")
}

/// Goes on with every list until all are whole.
async fn whole(scanned: &Scanned, baseline: &str, current: &str) -> Value {
    let mut arguments = json!({ "baseline_task_id": baseline, "task_id": current, "limit": 7 });
    let mut first = scanned.ask("compare_scans", arguments.clone()).await;
    let mut next = first.as_object_mut().expect("an object").remove("resume");
    while let Some(resume) = next {
        arguments["skip"] = resume["skip"].clone();
        arguments["limit"] = resume["limit"].clone();
        let mut more = scanned.ask("compare_scans", arguments.clone()).await;
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
async fn comparisons_are_what_the_reference_says() {
    let scanned = Scanned::new().await;
    let mut ids = Vec::new();
    for report in three() {
        ids.push((scanned.scan(&report).await, report));
    }
    for (baseline, current) in [(0, 1), (1, 0), (2, 2), (0, 2)] {
        let ((before, baseline), (after, current)) = (&ids[baseline], &ids[current]);
        let answer = whole(&scanned, before, after).await;
        assert_eq!((&answer["baseline_task_id"], &answer["task_id"]), (&json!(before), &json!(after)));
        for (key, value) in expected(&[baseline, current]).as_object().expect("the reference tells an object") {
            assert_eq!(answer[key], *value, "{baseline} and {current}: {key}");
        }
    }
    let elsewhere = submit(&scanned.mcp, json!({ "name": ids[2].1, "targets": "10.0.0.9" })).await;
    scanned.mcp.ended(&elsewhere, Duration::from_secs(60)).await;
    let table = [(&ids[2].0, Some("the same scan")), (&elsewhere, Some("the targets differ")), (&ids[0].0, None)];
    for (baseline, says) in table {
        let answer = whole(&scanned, baseline, &ids[2].0).await;
        let warned = answer["warnings"].as_array().map(|warnings| warnings[0].as_str().expect("text").to_owned());
        assert_eq!(warned.is_some(), says.is_some(), "{answer}");
        assert!(says.is_none_or(|says| warned.is_some_and(|warning| warning.contains(says))), "{answer}");
    }
    let home = scanned.stop();
    let config = home.config().display().to_string();
    let output = run(&home, &["compare", &ids[0].0, &ids[1].0, "--json", "--config", &config]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let answer: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(answer["counts"], expected(&[&ids[0].1, &ids[1].1])["counts"], "also without a server");
}

#[test]
fn every_kind_of_change_is_told_of() {
    let home = Home::new(&[]);
    let before = write(&home, "before.nessus", &report(&[(1, 4), (2, 3), (3, 2), (4, 1), (4, 3)]));
    let after = write(&home, "after.nessus", &report(&[(2, 3), (3, 4), (4, 3), (5, 0), (6, 4)]));
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
    assert!(table.contains("2 new, 1 gone, 2 still there, 1 with another severity"), "{table}");
    assert!(table.contains("--skip 1"), "{table}");
    for change in ["new", "gone", "severity changed", "still there"] {
        assert!(table.contains(&format!(" {change} ")), "{table}");
    }
}

#[test]
fn what_cannot_be_compared_is_said() {
    let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: m1}]")]);
    let file = write(&home, "one.nessus", &report(&[]));
    let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let config = home.config().display().to_string();
    for (arguments, said) in [
        (vec!["compare", &file, "missing.nessus"], "missing.nessus"),
        (vec!["compare", id, id, "--config", &config], "no scan"),
    ] {
        let output = run(&home, &arguments);
        assert_eq!(output.code, Some(1), "{arguments:?}");
        assert!(output.stderr.contains(said), "{arguments:?}: {}", output.stderr);
    }
    let same = reports().join("several_hosts.nessus");
    if same.is_file() {
        let same = same.display().to_string();
        let output = run(&home, &["compare", &same, &same]);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        assert!(output.stdout.contains("\n0 new, 0 gone"), "{}", output.stdout);
    }
}
