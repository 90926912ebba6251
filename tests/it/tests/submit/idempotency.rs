//! The same key never scans twice.

use scanhost_it::raw::{arguments, call_with, submit, until};
use serde_json::{Value, json};

use crate::Desk;

const TOOL: &str = "run_untrusted_scan";

async fn scans(desk: &Desk) -> usize {
    desk.mcp.ok("list_scans", json!({ "limit": 200 })).await["scans"].as_array().expect("a list").len()
}

#[tokio::test]
async fn the_same_request_is_the_same_scan() {
    let desk = Desk::fast();
    let first = desk.mcp.ok(TOOL, arguments(json!({ "idempotency_key": "k" }))).await;
    assert_eq!(first["idempotent"], false);
    let id = first["task_id"].as_str().expect("an id");
    until(&desk.mcp, id, "completed").await;
    // The order of keys and nulls make no other request.
    let same = json!({ "name": "test", "idempotency_key": "k", "description": null, "targets": "10.0.0.1", "scanner_pool": null });
    let again = desk.mcp.ok(TOOL, same).await;
    assert_eq!((&again["task_id"], &again["idempotent"]), (&first["task_id"], &json!(true)));
    assert_eq!(again["trace_id"], first["trace_id"]);
    assert_eq!(again["status"], "completed", "its present status");
    assert_eq!(scans(&desk).await, 1);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_a_conflict() {
    let desk = Desk::fast();
    desk.mcp.ok(TOOL, arguments(json!({ "idempotency_key": "k" }))).await;
    let others = [
        json!({ "name": "other" }),
        json!({ "targets": "10.0.0.1 " }),
        json!({ "description": "more" }),
        // Nothing is resolved or defaulted: naming the default pool is another request.
        json!({ "scanner_pool": "mock" }),
        json!({ "schema_profile": "brief" }),
    ];
    for mut other in others {
        other["idempotency_key"] = "k".into();
        let (code, _, hint) = desk.mcp.refused(TOOL, arguments(other.clone())).await;
        assert_eq!(code, "conflict", "{other}");
        assert!(hint.contains("idempotency_key"), "{hint}");
    }
    let login = json!({ "idempotency_key": "k", "ssh_username": "a", "ssh_password": "b" });
    let (code, ..) = desk.mcp.refused("run_trusted_scan", arguments(login)).await;
    assert_eq!(code, "conflict", "another tool is another request");
    assert_eq!(scans(&desk).await, 1);
}

#[tokio::test]
async fn secrets_are_compared_too() {
    let desk = Desk::fast();
    let login = |password: &str| {
        arguments(json!({ "idempotency_key": "k", "ssh_username": "audit", "ssh_password": password }))
    };
    let first = desk.mcp.ok("run_trusted_scan", login("one")).await;
    assert_eq!(desk.mcp.ok("run_trusted_scan", login("one")).await["task_id"], first["task_id"]);
    assert_eq!(desk.mcp.refused("run_trusted_scan", login("two")).await.0, "conflict");
}

#[tokio::test]
async fn the_key_may_come_in_a_header() {
    let desk = Desk::fast();
    let header = [("x-idempotency-key", "k")];
    let call = async |more: Value, headers: &[(&str, &str)]| call_with(&desk.mcp, TOOL, arguments(more), headers).await;
    let first = call(json!({}), &header).await.expect("submitted");
    let again = call(json!({}), &header).await.expect("submitted");
    assert_eq!((&again["task_id"], &again["idempotent"]), (&first["task_id"], &json!(true)));
    for headers in [&[][..], &header] {
        let by_argument = call(json!({ "idempotency_key": "k" }), headers).await.expect("submitted");
        assert_eq!(by_argument["task_id"], first["task_id"], "the key itself is not compared");
    }
    let differing = call(json!({ "idempotency_key": "other" }), &header).await.expect_err("both, and different");
    assert_eq!(differing["code"], "invalid_argument");
    assert_eq!(scans(&desk).await, 1);
}

#[tokio::test]
async fn a_hundred_at_once_are_one_scan() {
    let desk = Desk::fast();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let mcp = desk.mcp.clone();
        calls.spawn(async move { mcp.ok(TOOL, arguments(json!({ "idempotency_key": "k" }))).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| answer["task_id"] == answers[0]["task_id"]));
    assert_eq!(answers.iter().filter(|answer| answer["idempotent"] == false).count(), 1);
    assert_eq!(scans(&desk).await, 1);
}

#[tokio::test]
async fn a_key_holds_after_its_scan_was_deleted() {
    let desk = Desk::fast();
    let asked = json!({ "idempotency_key": "k" });
    let id = submit(&desk.mcp, asked.clone()).await;
    until(&desk.mcp, &id, "completed").await;
    desk.mcp.ok("delete_scan", json!({ "task_id": id })).await;
    let again = desk.mcp.ok(TOOL, arguments(asked)).await;
    assert_eq!((&again["task_id"], &again["idempotent"]), (&json!(id), &json!(true)), "the first task, still");
    let (code, ..) = desk.mcp.refused(TOOL, arguments(json!({ "idempotency_key": "k", "name": "other" }))).await;
    assert_eq!(code, "conflict");
    assert_eq!(scans(&desk).await, 0, "nothing scans again");
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    let desk = Desk::fast();
    let refused = arguments(json!({ "idempotency_key": "k", "targets": "8.8.8.8" }));
    assert_eq!(desk.mcp.refused(TOOL, refused).await.0, "target_not_allowed");
    let taken = desk.mcp.ok(TOOL, arguments(json!({ "idempotency_key": "k" }))).await;
    assert_eq!(taken["idempotent"], false);
}

#[tokio::test]
async fn without_a_key_every_call_is_a_scan() {
    let desk = Desk::fast();
    let ids = [submit(&desk.mcp, json!({})).await, submit(&desk.mcp, json!({})).await];
    assert_ne!(ids[0], ids[1]);
    assert!(ids[0] < ids[1], "ids sort by time");
}
