//! The queue of a pool: its order, positions and estimates, and the capacity of scanners.

use std::{collections::BTreeMap, time::Duration};

use scanhost_it::{
    output::Output,
    scans::{scan_arguments, submit, wait_for_status},
    server::Home,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::TestHost;

#[tokio::test]
async fn submit_returns_the_queue_position() {
    let host = TestHost::with_endless_scans();
    let running = host.mcp.call_ok("run_untrusted_scan", scan_arguments(json!({}))).await;
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
    let status = wait_for_status(&host.mcp, first, "running").await;
    assert!(status.get("queue_position").is_none(), "a running scan has no queue position: {status}");
    let mut waiting = Vec::new();
    for position in 1..=3 {
        let submitted =
            host.mcp.call_ok("run_untrusted_scan", scan_arguments(json!({ "name": format!("w{position}") }))).await;
        assert_eq!(submitted["queue_position"], position);
        assert!(submitted["estimated_wait_seconds"].as_u64() > Some(0), "{submitted}");
        waiting.push(submitted["task_id"].as_str().expect("an id").to_owned());
    }
    let queue = host.mcp.call_ok("get_queue_status", json!({})).await;
    let next: Vec<Value> =
        waiting.iter().zip(["w1", "w2", "w3"]).map(|(id, name)| json!({ "task_id": id, "name": name })).collect();
    assert_eq!(queue["next"], json!(next));
    assert_eq!(queue["queue_depth"], 3);
    // The scans behind a cancelled one move up.
    host.mcp.call_ok("cancel_scan", json!({ "task_id": waiting[0] })).await;
    for (id, position) in [(&waiting[1], 1), (&waiting[2], 2)] {
        let status = host.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
        assert_eq!(status["queue_position"], position);
    }
}

#[tokio::test]
async fn scans_start_in_the_order_of_submission() {
    let host =
        TestHost::start("mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 0.05}}]", "");
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(submit(&host.mcp, json!({})).await);
    }
    let mut last = (String::new(), String::new());
    for id in ids {
        let status = host.mcp.wait_for_end(&id, Duration::from_secs(60)).await;
        assert_eq!(status["status"], "completed");
        let time = |key: &str| status[key].as_str().expect("a time").to_owned();
        let (started, completed) = (time("started_at"), time("completed_at"));
        assert!(parse_time(&started) >= parse_time(&last.0), "{started} is before {}", last.0);
        assert!(
            parse_time(&started) >= parse_time(&last.1),
            "{started} is before the end of the previous scan, {}",
            last.1
        );
        last = (started, completed);
    }
}

#[tokio::test]
async fn wait_is_estimated_from_past_scans() {
    let host =
        TestHost::start("mock: [{instance_id: m1, max_concurrent_scans: 1, options: {duration_seconds: 0}}]", "");
    let run_queue_command = |home: &Home, verb: &str| {
        let config = home.config().display().to_string();
        let output = Output::run(home.command(&["queue", verb, "mock", "--config", &config]));
        assert_eq!(output.code, Some(0), "{}", output.stderr);
    };
    let estimate = |submitted: &Value| submitted["estimated_wait_seconds"].as_u64().expect("seconds");
    let mut estimates = Vec::new();
    for _ in 0..2 {
        run_queue_command(&host.home, "pause");
        let mut ids = Vec::new();
        for _ in 0..2 {
            let submitted = host.mcp.call_ok("run_untrusted_scan", scan_arguments(json!({}))).await;
            ids.push(submitted["task_id"].as_str().expect("an id").to_owned());
            estimates.push(estimate(&submitted));
        }
        run_queue_command(&host.home, "resume");
        for id in ids {
            assert_eq!(host.mcp.wait_for_end(&id, Duration::from_secs(60)).await["status"], "completed");
        }
    }
    assert_eq!(
        estimates[..3],
        [0, 300, 0],
        "the first scan of each round need not wait, and the duration is not known at first"
    );
    assert!((1..60).contains(&estimates[3]), "{estimates:?}");
    // The next process learns the duration of scans from the store.
    let TestHost { home, server, .. } = host;
    assert_eq!(server.terminate(), Some(0));
    let server = home.start();
    run_queue_command(&home, "pause");
    let learn = async {
        while !(1..60).contains(&estimate(&server.mcp().call_ok("run_untrusted_scan", scan_arguments(json!({}))).await))
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(60), learn).await.expect("an estimate from the stored scans");
}

fn parse_time(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

#[tokio::test]
async fn scanner_runs_exactly_its_capacity() {
    let scanners = "mock:\n- {instance_id: m1, max_concurrent_scans: 2, options: {duration_seconds: 0.4}}\n\
        - {instance_id: m2, max_concurrent_scans: 1, options: {duration_seconds: 0.4}}\n";
    let host = TestHost::start(scanners, "");
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(submit(&host.mcp, json!({})).await);
    }
    let pool = host.mcp.call_ok("get_pool_status", json!({})).await;
    assert_eq!(pool["capacity"], 3);
    assert!(pool["active"].as_u64() <= Some(3), "{pool}");
    let mut spans: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for id in ids {
        let status = host.mcp.wait_for_end(&id, Duration::from_secs(60)).await;
        let time = |key: &str| parse_time(status[key].as_str().expect("a time")).expect("a time");
        let instance = status["scanner_instance"].as_str().expect("an instance").to_owned();
        spans.entry(instance).or_default().push((time("started_at"), time("completed_at")));
    }
    for (instance, capacity) in [("m1", 2), ("m2", 1)] {
        let spans = &spans[instance];
        let running_at = |moment| spans.iter().filter(|(start, end)| *start <= moment && moment < *end).count();
        let max_running = spans.iter().map(|(start, _)| running_at(*start)).max();
        assert_eq!(max_running, Some(capacity), "exactly the capacity of {instance} is used: {spans:?}");
    }
}

#[tokio::test]
async fn named_instance_runs_the_scan() {
    let scanners =
        "mock: [{instance_id: m1, options: {duration_seconds: 0}}, {instance_id: m2, options: {duration_seconds: 0}}]";
    let host = TestHost::start(scanners, "");
    for instance in ["m2", "m1", "m2", "m2"] {
        let id = submit(&host.mcp, json!({ "scanner_instance": instance })).await;
        assert_eq!(wait_for_status(&host.mcp, &id, "completed").await["scanner_instance"], instance);
    }
}
