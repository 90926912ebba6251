//! `list_scans`: its filters, limits and cursors.

use scanhost_it::{
    output::Output,
    scans::{scan_arguments, submit, wait_for_status},
};
use serde_json::{Value, json};

use crate::TestHost;

/// The names of the scans in an answer, in order.
fn names(listed: &Value) -> Vec<&str> {
    let scans = listed["scans"].as_array().expect("a list").iter();
    scans.map(|scan| scan["name"].as_str().expect("a scan has a name")).collect()
}

async fn check_lists(host: &TestHost, table: &[(Value, &[&str])]) {
    for (query, expected) in table {
        let listed = host.mcp.call_ok("list_scans", query.clone()).await;
        assert_eq!(names(&listed), *expected, "for {query}");
        assert!(listed.get("next_cursor").is_none(), "for {query}");
    }
}

#[tokio::test]
async fn scans_are_listed_by_status_type_and_pool() {
    let scanners = "
mock: [{instance_id: m1, options: {duration_seconds: 0}}]
slow: [{instance_id: s1, backend: mock, max_concurrent_scans: 1, options: {duration_seconds: 3600}}]
broken: [{instance_id: b1, backend: mock, options: {duration_seconds: 0, fail_at: create}}]
";
    let host = TestHost::start(scanners, "");
    let done = submit(&host.mcp, json!({ "name": "done" })).await;
    wait_for_status(&host.mcp, &done, "completed").await;
    let login = scan_arguments(json!({ "name": "login", "ssh_username": "a", "ssh_password": "b" }));
    let login = host.mcp.call_ok("run_trusted_scan", login).await;
    wait_for_status(&host.mcp, login["task_id"].as_str().expect("an id"), "completed").await;
    let failed = submit(&host.mcp, json!({ "name": "failed", "scanner_pool": "broken" })).await;
    wait_for_status(&host.mcp, &failed, "failed").await;
    let runs = submit(&host.mcp, json!({ "name": "runs", "scanner_pool": "slow" })).await;
    wait_for_status(&host.mcp, &runs, "running").await;
    submit(&host.mcp, json!({ "name": "waits", "scanner_pool": "slow" })).await;
    let table: [(Value, &[&str]); 10] = [
        (json!({}), &["waits", "runs", "failed", "login", "done"]),
        (json!({ "status": "completed" }), &["login", "done"]),
        (json!({ "status": "queued" }), &["waits"]),
        (json!({ "status": "running" }), &["runs"]),
        (json!({ "status": "failed" }), &["failed"]),
        (json!({ "status": "timeout" }), &[]),
        (json!({ "scan_type": "trusted" }), &["login"]),
        (json!({ "scan_type": "privileged" }), &[]),
        (json!({ "scanner_pool": "slow" }), &["waits", "runs"]),
        (json!({ "scanner_pool": "mock", "scan_type": "untrusted", "status": "completed" }), &["done"]),
    ];
    check_lists(&host, &table).await;
}

#[tokio::test]
async fn target_filter_matches_by_containment_and_overlap() {
    let host = TestHost::start(
        "mock: [{instance_id: m1, options: {duration_seconds: 0}}]",
        "pools: {mock: {allowed_targets: [10.0.0.0/8, 'fd00::/8', '*.lab.example']}}\n",
    );
    for (name, targets) in [
        ("net", "10.1.0.0/24"),
        ("one", "10.1.0.7"),
        ("range", "10.1.0.250-10.1.1.5"),
        ("host", "web.lab.example"),
        ("six", "fd00::1"),
    ] {
        submit(&host.mcp, json!({ "name": name, "targets": targets })).await;
    }
    let table: [(Value, &[&str]); 10] = [
        (json!({ "target": "10.1.0.7" }), &["one", "net"]),
        (json!({ "target": "10.1.0.8" }), &["net"]),
        (json!({ "target": "10.1.0.0/16" }), &["range", "one", "net"]),
        (json!({ "target": "10.1.0.248/29" }), &["range", "net"]),
        (json!({ "target": "10.1.1.0/24" }), &["range"]),
        (json!({ "target": "10.1.1.6" }), &[]),
        (json!({ "target": "10.1.0.0-10.1.0.10" }), &["one", "net"]),
        (json!({ "target": "WEB.lab.example" }), &["host"]),
        (json!({ "target": "db.lab.example" }), &[]),
        (json!({ "target": "fd00::/64" }), &["six"]),
    ];
    check_lists(&host, &table).await;
}

#[tokio::test]
async fn following_cursors_returns_every_scan_once() {
    let host = TestHost::with_endless_scans();
    let mut expected = Vec::new();
    for number in 0..7 {
        submit(&host.mcp, json!({ "name": format!("s{number}") })).await;
        expected.insert(0, format!("s{number}"));
    }
    for limit in [1, 2, 3, 7, 8] {
        let mut found = Vec::new();
        let mut query = json!({ "limit": limit });
        loop {
            let listed = host.mcp.call_ok("list_scans", query.clone()).await;
            assert!(names(&listed).len() <= limit);
            found.extend(names(&listed).into_iter().map(str::to_owned));
            match listed.get("next_cursor") {
                Some(cursor) => query["cursor"] = cursor.clone(),
                None => break,
            }
            assert!(found.len() <= expected.len(), "the pages do not end");
        }
        assert_eq!(found, expected, "{limit} at a time");
    }
}

#[tokio::test]
async fn cursor_is_stable_when_scans_are_added_and_deleted() {
    let host = TestHost::with_endless_scans();
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(submit(&host.mcp, json!({ "name": format!("s{number}") })).await);
    }
    let first = host.mcp.call_ok("list_scans", json!({ "limit": 2 })).await;
    assert_eq!(names(&first), ["s3", "s2"]);
    submit(&host.mcp, json!({ "name": "late" })).await;
    host.mcp.call_ok("delete_scan", json!({ "task_id": ids[2], "force": true })).await;
    let second = host.mcp.call_ok("list_scans", json!({ "limit": 2, "cursor": first["next_cursor"] })).await;
    assert_eq!(names(&second), ["s1", "s0"]);
}

#[tokio::test]
async fn page_of_large_scans_is_shorter() {
    let host = TestHost::with_instant_scans();
    let targets = "10.100.100.100, ".repeat(45_000);
    for name in ["first", "second", "third"] {
        submit(&host.mcp, json!({ "name": name, "targets": targets })).await;
    }
    let listed = host.mcp.call_ok("list_scans", json!({})).await;
    assert_eq!(names(&listed), ["third", "second"], "the third scan would exceed a megabyte of targets");
    let rest = host.mcp.call_ok("list_scans", json!({ "cursor": listed["next_cursor"] })).await;
    assert_eq!(names(&rest), ["first"]);
    assert!(rest.get("next_cursor").is_none());
    let config = host.home.config().display().to_string();
    let output = Output::run(host.home.command(&["scans", "--json", "--config", &config]));
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let all: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(names(&json!({ "scans": all })), ["third", "second", "first"], "the command follows the cursor itself");
}
