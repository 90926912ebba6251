//! The descriptions of all tools, and the validity of their answers under their output schemas.

use scanhost_it::{
    scans::{scan_arguments, submit, wait_for_status},
    schema::validate,
};
use serde_json::{Value, json};

use crate::TestHost;

const TOOLS: [&str; 18] = [
    "run_untrusted_scan",
    "run_trusted_scan",
    "run_privileged_scan",
    "get_scan_status",
    "wait_for_scan",
    "get_scan_summary",
    "get_scan_results",
    "compare_scans",
    "get_scan_settings",
    "download_native_scan",
    "cancel_scan",
    "delete_scan",
    "list_scans",
    "list_scanners",
    "list_pools",
    "get_pool_status",
    "get_queue_status",
    "list_profiles",
];

#[tokio::test]
async fn every_tool_has_title_description_annotations_and_schemas() {
    let host = TestHost::with_instant_scans();
    let tools = host.mcp.list_tools().await;
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, TOOLS);
    for tool in &tools {
        let name = &tool["name"];
        assert!(tool["title"].as_str().is_some_and(|title| !title.is_empty()), "{name} has no title");
        assert!(tool["description"].as_str().is_some_and(|text| text.len() > 60), "{name} has too short a description");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name} has no {hint}");
        }
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        check_simple(name, &tool["inputSchema"]);
        let has_output = tool.get("outputSchema").is_some_and(Value::is_object);
        assert_eq!(has_output, name != "get_scan_results", "{name}");
        for (argument, schema) in tool["inputSchema"]["properties"].as_object().expect("properties") {
            assert!(
                schema["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{name}.{argument} has no description"
            );
        }
    }
}

/// Checks that a schema has no nullable types and no references, which some clients do not support.
fn check_simple(name: &Value, schema: &Value) {
    match schema {
        Value::Object(members) => {
            for (key, member) in members {
                assert!(key != "$ref" && key != "$defs", "{name} has a reference: {schema}");
                let is_null = |kind: &Value| kind == "null";
                let nullable = key == "type"
                    && (is_null(member) || member.as_array().is_some_and(|kinds| kinds.iter().any(is_null)));
                assert!(!nullable, "{name} has a type with null: {schema}");
                check_simple(name, member);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| check_simple(name, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn annotations_and_required_arguments_are_as_documented() {
    let host = TestHost::with_instant_scans();
    for tool in host.mcp.list_tools().await {
        let name = tool["name"].as_str().expect("a name");
        let hint = |hint: &str| tool["annotations"][hint] == true;
        let flags = (hint("readOnlyHint"), hint("destructiveHint"), hint("openWorldHint"));
        let expected = match name {
            "run_untrusted_scan" | "run_trusted_scan" | "run_privileged_scan" => (false, false, true),
            "cancel_scan" | "delete_scan" => (false, true, false),
            _ => (true, false, false),
        };
        assert_eq!(flags, expected, "{name}");
        let required: &[&str] = match name {
            "run_untrusted_scan" | "run_trusted_scan" | "run_privileged_scan" => &["targets", "name"],
            "list_scans" | "list_scanners" | "list_pools" | "get_pool_status" | "get_queue_status"
            | "list_profiles" => &[],
            "compare_scans" => &["baseline_task_id", "task_id"],
            _ => &["task_id"],
        };
        let found = tool["inputSchema"].get("required").cloned().unwrap_or_else(|| json!([]));
        assert_eq!(found, json!(required), "{name}");
    }
}

#[tokio::test]
async fn answers_are_valid_under_the_output_schemas() {
    let scanners = "
mock: [{instance_id: m1, options: {duration_seconds: 0}}]
slow: [{instance_id: s1, backend: mock, max_concurrent_scans: 1, options: {duration_seconds: 3600}}]
broken: [{instance_id: b1, backend: mock, options: {duration_seconds: 0, fail_at: status}}]
";
    let host = TestHost::start(scanners, "");
    let done = submit(&host.mcp, json!({ "description": "all of it", "schema_profile": "minimal" })).await;
    wait_for_status(&host.mcp, &done, "completed").await;
    let failed = submit(&host.mcp, json!({ "scanner_pool": "broken" })).await;
    wait_for_status(&host.mcp, &failed, "failed").await;
    let running = submit(&host.mcp, json!({ "scanner_pool": "slow" })).await;
    wait_for_status(&host.mcp, &running, "running").await;
    let queued = submit(&host.mcp, json!({ "scanner_pool": "slow" })).await;
    let login = scan_arguments(
        json!({ "ssh_username": "a", "ssh_private_key": "-----BEGIN PRIVATE KEY-----", "ssh_passphrase": "c" }),
    );
    let mut privileged = login.clone();
    privileged["elevate_privileges_with"] = "sudo".into();
    let calls = [
        ("run_untrusted_scan", scan_arguments(json!({ "idempotency_key": "k" }))),
        ("run_untrusted_scan", scan_arguments(json!({ "idempotency_key": "k" }))),
        ("run_trusted_scan", login),
        ("run_privileged_scan", privileged),
        ("get_scan_status", json!({ "task_id": done })),
        ("get_scan_status", json!({ "task_id": failed })),
        ("get_scan_status", json!({ "task_id": running })),
        ("get_scan_status", json!({ "task_id": queued })),
        ("wait_for_scan", json!({ "task_id": done })),
        ("wait_for_scan", json!({ "task_id": queued, "timeout_seconds": 0 })),
        ("get_scan_summary", json!({ "task_id": done })),
        ("compare_scans", json!({ "baseline_task_id": done, "task_id": done, "limit": 1 })),
        ("get_scan_settings", json!({ "task_id": done })),
        ("download_native_scan", json!({ "task_id": done })),
        ("list_scans", json!({ "limit": 2 })),
        ("list_scans", json!({})),
        ("list_scanners", json!({})),
        ("list_pools", json!({})),
        ("get_pool_status", json!({ "scanner_pool": "slow" })),
        ("get_queue_status", json!({ "scanner_pool": "slow" })),
        ("list_profiles", json!({})),
        ("cancel_scan", json!({ "task_id": queued })),
        ("cancel_scan", json!({ "task_id": running })),
        ("delete_scan", json!({ "task_id": done })),
    ];
    let tools = host.mcp.list_tools().await;
    let untested = |name: &&str| *name != "get_scan_results" && !calls.iter().any(|(called, _)| called == name);
    assert_eq!(TOOLS.iter().filter(|name| untested(name)).count(), 0, "every tool is called in this test");
    for (name, arguments) in calls {
        let tool = tools.iter().find(|tool| tool["name"] == name).expect("the tool is listed");
        validate(&tool["inputSchema"], &arguments).unwrap_or_else(|wrong| panic!("{name} {arguments}: {wrong}"));
        let reply = host.mcp.call(name, arguments.clone()).await;
        assert!(!reply.is_error, "{name} {arguments}: {}", reply.text);
        validate(&tool["outputSchema"], &reply.structured)
            .unwrap_or_else(|wrong| panic!("{name} {arguments}: {wrong} in {}", reply.structured));
        let text: Value = serde_json::from_str(&reply.text).expect("the text is JSON");
        assert_eq!(text, reply.structured, "{name}");
    }
}
