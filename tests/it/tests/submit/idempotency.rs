//! Idempotency keys: a repeated submit with the same key makes no second scan.

use scanhost_it::http_response::call_with_headers;
use scanhost_it::scans::{scan_arguments, submit, wait_for_status};
use serde_json::{Value, json};

use crate::TestHost;

const TOOL: &str = "run_untrusted_scan";

async fn count_scans(host: &TestHost) -> usize {
    host.mcp.call_ok("list_scans", json!({ "limit": 200 })).await["scans"].as_array().expect("a list").len()
}

#[tokio::test]
async fn same_request_with_the_same_key_returns_the_same_scan() {
    let host = TestHost::with_instant_scans();
    let first = host.mcp.call_ok(TOOL, scan_arguments(json!({ "idempotency_key": "k" }))).await;
    assert_eq!(first["idempotent"], false);
    let id = first["task_id"].as_str().expect("an id");
    wait_for_status(&host.mcp, id, "completed").await;
    // The order of the arguments and nulls do not make the request differ.
    let same = json!({ "name": "test", "idempotency_key": "k", "description": null, "targets": "10.0.0.1", "scanner_pool": null });
    let again = host.mcp.call_ok(TOOL, same).await;
    assert_eq!((&again["task_id"], &again["idempotent"]), (&first["task_id"], &json!(true)));
    assert_eq!(again["trace_id"], first["trace_id"]);
    assert_eq!(again["status"], "completed", "the answer has the present status");
    assert_eq!(count_scans(&host).await, 1);
}

#[tokio::test]
async fn other_request_with_the_same_key_is_a_conflict() {
    let host = TestHost::with_instant_scans();
    host.mcp.call_ok(TOOL, scan_arguments(json!({ "idempotency_key": "k" }))).await;
    let others = [
        json!({ "name": "other" }),
        json!({ "targets": "10.0.0.1 " }),
        json!({ "description": "more" }),
        // Defaults are not filled in, so naming the default pool makes another request.
        json!({ "scanner_pool": "mock" }),
        json!({ "schema_profile": "brief" }),
    ];
    for mut other in others {
        other["idempotency_key"] = "k".into();
        let (code, _, hint) = host.mcp.call_refused(TOOL, scan_arguments(other.clone())).await;
        assert_eq!(code, "conflict", "{other}");
        assert!(hint.contains("idempotency_key"), "{hint}");
    }
    let login = json!({ "idempotency_key": "k", "ssh_username": "a", "ssh_password": "b" });
    let (code, ..) = host.mcp.call_refused("run_trusted_scan", scan_arguments(login)).await;
    assert_eq!(code, "conflict", "another tool is another request");
    assert_eq!(count_scans(&host).await, 1);
}

#[tokio::test]
async fn secrets_are_compared() {
    let host = TestHost::with_instant_scans();
    let login = |password: &str| {
        scan_arguments(json!({ "idempotency_key": "k", "ssh_username": "audit", "ssh_password": password }))
    };
    let first = host.mcp.call_ok("run_trusted_scan", login("one")).await;
    assert_eq!(host.mcp.call_ok("run_trusted_scan", login("one")).await["task_id"], first["task_id"]);
    assert_eq!(host.mcp.call_refused("run_trusted_scan", login("two")).await.0, "conflict");
}

#[tokio::test]
async fn key_may_come_in_a_header() {
    let host = TestHost::with_instant_scans();
    let header = [("x-idempotency-key", "k")];
    let call = async |more: Value, headers: &[(&str, &str)]| {
        call_with_headers(&host.mcp, TOOL, scan_arguments(more), headers).await
    };
    let first = call(json!({}), &header).await.expect("submitted");
    let again = call(json!({}), &header).await.expect("submitted");
    assert_eq!((&again["task_id"], &again["idempotent"]), (&first["task_id"], &json!(true)));
    for headers in [&[][..], &header] {
        let by_argument = call(json!({ "idempotency_key": "k" }), headers).await.expect("submitted");
        assert_eq!(by_argument["task_id"], first["task_id"], "the key is not a part of the compared arguments");
    }
    let differing =
        call(json!({ "idempotency_key": "other" }), &header).await.expect_err("the argument and the header differ");
    assert_eq!(differing["code"], "invalid_argument");
    assert_eq!(count_scans(&host).await, 1);
}

#[tokio::test]
async fn hundred_concurrent_submits_with_one_key_make_one_scan() {
    let host = TestHost::with_instant_scans();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let mcp = host.mcp.clone();
        calls.spawn(async move { mcp.call_ok(TOOL, scan_arguments(json!({ "idempotency_key": "k" }))).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| answer["task_id"] == answers[0]["task_id"]));
    assert_eq!(answers.iter().filter(|answer| answer["idempotent"] == false).count(), 1);
    assert_eq!(count_scans(&host).await, 1);
}

#[tokio::test]
async fn key_is_valid_after_its_scan_was_deleted() {
    let host = TestHost::with_instant_scans();
    let key = json!({ "idempotency_key": "k" });
    let id = submit(&host.mcp, key.clone()).await;
    wait_for_status(&host.mcp, &id, "completed").await;
    host.mcp.call_ok("delete_scan", json!({ "task_id": id })).await;
    let again = host.mcp.call_ok(TOOL, scan_arguments(key)).await;
    assert_eq!(
        (&again["task_id"], &again["idempotent"]),
        (&json!(id), &json!(true)),
        "the key still names the first task"
    );
    let (code, ..) =
        host.mcp.call_refused(TOOL, scan_arguments(json!({ "idempotency_key": "k", "name": "other" }))).await;
    assert_eq!(code, "conflict");
    assert_eq!(count_scans(&host).await, 0, "no scan was made");
}

#[tokio::test]
async fn refused_request_does_not_use_its_key() {
    let host = TestHost::with_instant_scans();
    let refused = scan_arguments(json!({ "idempotency_key": "k", "targets": "8.8.8.8" }));
    assert_eq!(host.mcp.call_refused(TOOL, refused).await.0, "target_not_allowed");
    let accepted = host.mcp.call_ok(TOOL, scan_arguments(json!({ "idempotency_key": "k" }))).await;
    assert_eq!(accepted["idempotent"], false);
}

#[tokio::test]
async fn every_submit_without_a_key_makes_a_scan() {
    let host = TestHost::with_instant_scans();
    let ids = [submit(&host.mcp, json!({})).await, submit(&host.mcp, json!({})).await];
    assert_ne!(ids[0], ids[1]);
    assert!(ids[0] < ids[1], "ids sort by time");
}
