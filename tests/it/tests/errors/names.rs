//! Names and ids of what does not exist.

use scanhost_it::raw::{arguments, submit, until};
use serde_json::json;

use crate::tool_box::ToolBox;

/// Tools that take the id of a scan.
const OF_ONE_SCAN: [&str; 8] = [
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
    let tools = ToolBox::new();
    let id = submit(&tools.mcp, json!({})).await;
    let (overlong, longer, upwards) = ("0".repeat(5_000), format!("{id}0"), format!("{id}/../{id}"));
    let ids = ["../../etc/passwd", "..", "", " ", "a/b", "\u{0}", &id[1..], &overlong, &longer, &upwards];
    for tool in OF_ONE_SCAN {
        for id in ids {
            tools.check(tool, json!({ "task_id": id }), "invalid_argument", "", "").await;
        }
    }
    until(&tools.mcp, &id, "completed").await;
}

/// A client may lower the case of what stands in the place of a host in `scan://…`.
#[tokio::test]
async fn a_task_id_reads_in_either_case_and_is_told_in_one() {
    let tools = ToolBox::new();
    let id = submit(&tools.mcp, json!({})).await;
    let status = tools.mcp.ok("get_scan_status", json!({ "task_id": id.to_lowercase() })).await;
    assert_eq!(status["task_id"], id);
}

#[tokio::test]
async fn an_unknown_task_id_is_not_found() {
    let tools = ToolBox::new();
    for tool in OF_ONE_SCAN {
        let unknown = json!({ "task_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV" });
        tools.check(tool, unknown, "not_found", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "list_scans").await;
    }
}

#[tokio::test]
async fn unknown_names_are_answered_with_those_that_exist() {
    let tools = ToolBox::new();
    let scan = "run_untrusted_scan";
    let table = [
        (scan, arguments(json!({ "scanner_pool": "nosuch" })), "mock, slow, broken, off"),
        (scan, arguments(json!({ "scanner_pool": "../mock" })), "mock"),
        (scan, arguments(json!({ "scanner_instance": "nosuch" })), "m1"),
        (scan, arguments(json!({ "scanner_pool": "slow", "scanner_instance": "m1" })), "s1"),
        (scan, arguments(json!({ "schema_profile": "nosuch" })), "minimal, summary, brief, full"),
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
        tools.check(tool, arguments, "invalid_argument", "", in_hint).await;
    }
}

#[tokio::test]
async fn a_pool_without_an_enabled_scanner_takes_no_scans() {
    let tools = ToolBox::new();
    let off = arguments(json!({ "scanner_pool": "off" }));
    tools.check("run_untrusted_scan", off, "no_scanner", "off", "list_pools").await;
    let one = arguments(json!({ "scanner_pool": "off", "scanner_instance": "o1" }));
    tools.check("run_untrusted_scan", one, "no_scanner", "o", "list_").await;
}

#[tokio::test]
async fn the_target_policy_names_its_rule() {
    let tools = ToolBox::new();
    let table = [
        ("8.8.8.8", "allowed_targets"),
        ("10.0.0.1, 8.8.8.8", "8.8.8.8"),
        ("192.168.0.1", "allowed_targets"),
        ("10.9.1.1", "denied_targets: 10.9.0.0/16"),
        ("10.8.0.0/15", "denied_targets"),
        ("10.0.0.0/23", "max_addresses: 300"),
        ("www.lab.example", "allowed_targets"),
    ];
    for (targets, in_message) in table {
        let refused = arguments(json!({ "targets": targets }));
        tools.check("run_untrusted_scan", refused, "target_not_allowed", in_message, "mock").await;
    }
    for targets in ["127.0.0.1", "::ffff:127.0.0.1", "localhost", "10.0.0.1 LOCALHOST"] {
        let refused = arguments(json!({ "targets": targets, "scanner_pool": "slow" }));
        let rule = "denied_targets: 127.0.0.0/8";
        tools.check("run_untrusted_scan", refused, "target_not_allowed", rule, "slow").await;
    }
    assert_eq!(tools.mcp.ok("list_scans", json!({})).await["scans"], json!([]), "nothing was stored");
}
