//! Malformed and unknown task ids, names of pools, scanners and profiles, and targets.

use scanhost_it::scans::{scan_arguments, submit, wait_for_status};
use serde_json::json;

use crate::test_host::TestHost;

/// The tools that take a `task_id`.
const TASK_TOOLS: [&str; 8] = [
    "get_scan_status",
    "wait_for_scan",
    "get_scan_summary",
    "get_scan_results",
    "get_scan_settings",
    "download_native_scan",
    "cancel_scan",
    "delete_scan",
];

#[tokio::test]
async fn malformed_task_ids_are_invalid_arguments() {
    let host = TestHost::start();
    let id = submit(&host.mcp, json!({})).await;
    let (overlong, longer, upwards) = ("0".repeat(5_000), format!("{id}0"), format!("{id}/../{id}"));
    let ids = ["../../etc/passwd", "..", "", " ", "a/b", "\u{0}", &id[1..], &overlong, &longer, &upwards];
    for tool in TASK_TOOLS {
        for id in ids {
            host.check_refused(tool, json!({ "task_id": id }), "invalid_argument", "", "").await;
        }
    }
    wait_for_status(&host.mcp, &id, "completed").await;
}

// Clients may turn the id in a URI `scan://…` into lower case, since it stands where other URIs have a host name.
#[tokio::test]
async fn lower_case_task_id_is_accepted_and_answered_in_upper_case() {
    let host = TestHost::start();
    let id = submit(&host.mcp, json!({})).await;
    let status = host.mcp.call_ok("get_scan_status", json!({ "task_id": id.to_lowercase() })).await;
    assert_eq!(status["task_id"], id);
}

#[tokio::test]
async fn unknown_task_id_is_not_found() {
    let host = TestHost::start();
    for tool in TASK_TOOLS {
        let unknown = json!({ "task_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV" });
        host.check_refused(tool, unknown, "not_found", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "list_scans").await;
    }
}

#[tokio::test]
async fn unknown_name_gets_a_hint_with_existing_ones() {
    let host = TestHost::start();
    let scan = "run_untrusted_scan";
    let table = [
        (scan, scan_arguments(json!({ "scanner_pool": "nosuch" })), "mock, slow, broken, off"),
        (scan, scan_arguments(json!({ "scanner_pool": "../mock" })), "mock"),
        (scan, scan_arguments(json!({ "scanner_instance": "nosuch" })), "m1"),
        (scan, scan_arguments(json!({ "scanner_pool": "slow", "scanner_instance": "m1" })), "s1"),
        (scan, scan_arguments(json!({ "schema_profile": "nosuch" })), "minimal, summary, brief, full"),
        ("list_scanners", json!({ "scanner_pool": "nosuch" }), "mock"),
        ("get_pool_status", json!({ "scanner_pool": "nosuch" }), "mock"),
        ("get_queue_status", json!({ "scanner_pool": "nosuch" }), "mock"),
        ("list_scans", json!({ "scanner_pool": "nosuch" }), "mock"),
        ("list_scans", json!({ "status": "finished" }), "completed"),
        ("list_scans", json!({ "scan_type": "deep" }), "privileged"),
        ("list_scans", json!({ "target": "10.0.0.0/99" }), "CIDR"),
        ("list_scans", json!({ "cursor": "nosuch" }), "next_cursor"),
    ];
    for (tool, arguments, in_hint) in table {
        host.check_refused(tool, arguments, "invalid_argument", "", in_hint).await;
    }
}

#[tokio::test]
async fn pool_without_an_enabled_scanner_refuses_scans() {
    let host = TestHost::start();
    let off = scan_arguments(json!({ "scanner_pool": "off" }));
    host.check_refused("run_untrusted_scan", off, "no_scanner", "off", "list_pools").await;
    let one = scan_arguments(json!({ "scanner_pool": "off", "scanner_instance": "o1" }));
    host.check_refused("run_untrusted_scan", one, "no_scanner", "o", "list_").await;
}

#[tokio::test]
async fn target_refusal_names_the_rule_of_the_policy() {
    let host = TestHost::start();
    let table = [
        ("8.8.8.8", "allowed_targets"),
        ("10.0.0.1, 8.8.8.8", "8.8.8.8"),
        ("192.168.0.1", "allowed_targets"),
        ("10.9.1.1", "denied_targets: 10.9.0.0/16"),
        ("10.8.0.0/15", "denied_targets"),
        ("10.0.0.0/23", "300 that max_addresses allows"),
        ("www.lab.example", "allowed_targets"),
    ];
    for (targets, in_message) in table {
        let refused = scan_arguments(json!({ "targets": targets }));
        host.check_refused("run_untrusted_scan", refused, "target_not_allowed", in_message, "mock").await;
    }
    for targets in ["127.0.0.1", "::ffff:127.0.0.1", "localhost", "10.0.0.1 LOCALHOST"] {
        let refused = scan_arguments(json!({ "targets": targets, "scanner_pool": "slow" }));
        let rule = "denied_targets: 127.0.0.0/8";
        host.check_refused("run_untrusted_scan", refused, "target_not_allowed", rule, "slow").await;
    }
    assert_eq!(host.mcp.call_ok("list_scans", json!({})).await["scans"], json!([]), "nothing was stored");
}
