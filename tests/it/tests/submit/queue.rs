//! The queue of a pool: order, places, capacity.

use std::{collections::BTreeMap, time::Duration};

use scanhost_it::{
    output::Output,
    raw::{arguments, submit, until},
    server::Home,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::Desk;

#[tokio::test]
async fn a_submission_tells_its_place_in_the_queue() {
    let desk = Desk::busy();
    let running = desk.mcp.ok("run_untrusted_scan", arguments(json!({}))).await;
    let keys: Vec<&str> = running.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected = [
        "task_id",
        "trace_id",
        "status",
        "scan_type",
        "scanner_pool",
        "queue_position",
        "estimated_wait_seconds",
        "idempotent",
    ];
    assert_eq!(keys, expected);
    assert_eq!((&running["status"], &running["scan_type"]), (&json!("queued"), &json!("untrusted")));
    assert_eq!((&running["scanner_pool"], &running["queue_position"]), (&json!("mock"), &json!(1)));
    let first = running["task_id"].as_str().expect("an id");
    let status = until(&desk.mcp, first, "running").await;
    assert!(status.get("queue_position").is_none(), "only while queued: {status}");
    let mut waiting = Vec::new();
    for place in 1..=3 {
        let submitted = desk.mcp.ok("run_untrusted_scan", arguments(json!({ "name": format!("w{place}") }))).await;
        assert_eq!(submitted["queue_position"], place);
        assert!(submitted["estimated_wait_seconds"].as_u64() > Some(0), "{submitted}");
        waiting.push(submitted["task_id"].as_str().expect("an id").to_owned());
    }
    let queue = desk.mcp.ok("get_queue_status", json!({})).await;
    let next: Vec<Value> =
        waiting.iter().zip(["w1", "w2", "w3"]).map(|(id, name)| json!({ "task_id": id, "name": name })).collect();
    assert_eq!(queue["next"], json!(next));
    assert_eq!(queue["queue_depth"], 3);
    // Those behind move up.
    desk.mcp.ok("cancel_scan", json!({ "task_id": waiting[0] })).await;
    for (id, place) in [(&waiting[1], 1), (&waiting[2], 2)] {
        let status = desk.mcp.ok("get_scan_status", json!({ "task_id": id })).await;
        assert_eq!(status["queue_position"], place);
    }
}

#[tokio::test]
async fn scans_start_in_the_order_of_their_submission() {
    let desk = Desk::new("mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 0.05}}]", "");
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(submit(&desk.mcp, json!({})).await);
    }
    let mut last = (String::new(), String::new());
    for id in ids {
        let status = desk.mcp.ended(&id, Duration::from_secs(60)).await;
        assert_eq!(status["status"], "completed");
        let time = |key: &str| status[key].as_str().expect("a time").to_owned();
        let (started, completed) = (time("started_at"), time("completed_at"));
        assert!(instant(&started) >= instant(&last.0), "{started} is before {}", last.0);
        assert!(instant(&started) >= instant(&last.1), "{started} is before the one before ended, {}", last.1);
        last = (started, completed);
    }
}

#[tokio::test]
async fn the_wait_is_estimated_by_what_scans_took() {
    let desk = Desk::new("mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 0}}]", "");
    let queue = |home: &Home, what: &str| {
        let config = home.config().display().to_string();
        let output = Output::of(home.command(&["queue", what, "mock", "--config", &config]));
        assert_eq!(output.code, Some(0), "{}", output.stderr);
    };
    let estimate = |submitted: &Value| submitted["estimated_wait_seconds"].as_u64().expect("seconds");
    let mut estimates = Vec::new();
    for _ in 0..2 {
        queue(&desk.home, "pause");
        let mut ids = Vec::new();
        for _ in 0..2 {
            let submitted = desk.mcp.ok("run_untrusted_scan", arguments(json!({}))).await;
            ids.push(submitted["task_id"].as_str().expect("an id").to_owned());
            estimates.push(estimate(&submitted));
        }
        queue(&desk.home, "resume");
        for id in ids {
            assert_eq!(desk.mcp.ended(&id, Duration::from_secs(60)).await["status"], "completed");
        }
    }
    assert_eq!(estimates[..3], [0, 300, 0], "there is room for one, and nothing is known of how long it takes");
    assert!((1..60).contains(&estimates[3]), "{estimates:?}");
    // The next process learns it from the store.
    let Desk { home, server, .. } = desk;
    assert_eq!(server.terminate(), Some(0));
    let server = home.start();
    queue(&home, "pause");
    let learned = async {
        while !(1..60).contains(&estimate(&server.mcp().ok("run_untrusted_scan", arguments(json!({}))).await)) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(60), learned).await.expect("an estimate by what is known");
}

fn instant(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

#[tokio::test]
async fn a_scanner_runs_no_more_than_its_capacity() {
    let scanners = "mock:\n- {instance_id: m1, max_concurrent_scans: 2, options: {duration_seconds: 0.4}}\n\
        - {instance_id: m2, max_concurrent_scans: 1, options: {duration_seconds: 0.4}}\n";
    let desk = Desk::new(scanners, "");
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(submit(&desk.mcp, json!({})).await);
    }
    let pool = desk.mcp.ok("get_pool_status", json!({})).await;
    assert_eq!(pool["capacity"], 3);
    assert!(pool["active"].as_u64() <= Some(3), "{pool}");
    let mut spans: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for id in ids {
        let status = desk.mcp.ended(&id, Duration::from_secs(60)).await;
        let time = |key: &str| instant(status[key].as_str().expect("a time")).expect("a time");
        let instance = status["scanner_instance"].as_str().expect("an instance").to_owned();
        spans.entry(instance).or_default().push((time("started_at"), time("completed_at")));
    }
    for (instance, most) in [("m1", 2), ("m2", 1)] {
        let spans = &spans[instance];
        let at_once = |moment| spans.iter().filter(|(start, end)| *start <= moment && moment < *end).count();
        let found = spans.iter().map(|(start, _)| at_once(*start)).max();
        assert_eq!(found, Some(most), "all of {instance} is used, and no more: {spans:?}");
    }
}

#[tokio::test]
async fn a_named_instance_is_the_one_that_runs_it() {
    let scanners =
        "mock: [{instance_id: m1, options: {duration_seconds: 0}}, {instance_id: m2, options: {duration_seconds: 0}}]";
    let desk = Desk::new(scanners, "");
    for instance in ["m2", "m1", "m2", "m2"] {
        let id = submit(&desk.mcp, json!({ "scanner_instance": instance })).await;
        assert_eq!(until(&desk.mcp, &id, "completed").await["scanner_instance"], instance);
    }
}
