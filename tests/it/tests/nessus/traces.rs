//! A trace id goes from the agent's request to the scanner, and stands in everything between.

use std::fs;

use scanhost_it::lab::{Lab, instant, lab_report, wait_until};
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Submits with these headers and this trace in the request's `_meta`, and follows it.
async fn check(headers: &[(&str, &str)]) {
    let lab = Lab::new(instant(lab_report())).await;
    let arguments = json!({ "targets": "10.20.0.11", "name": "traced" });
    let mut request = lab.mcp.request("tools/call", json!({ "name": "run_untrusted_scan", "arguments": arguments }));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("the server answers").text().await.expect("the answer is text");
    assert!(answer.contains(TRACE), "the submit's answer has the trace: {answer}");
    let listed = lab.mcp.ok("list_scans", json!({})).await;
    let id = listed["scans"][0]["task_id"].as_str().expect("the scan is listed").to_owned();
    let status = lab.ended(&id).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["trace_id"], TRACE);
    let seen = lab.record(&status).headers.remove("traceparent").expect("the scanner got traceparents");
    let is_ours = |header: &String| {
        let parts: Vec<&str> = header.split('-').collect();
        matches!(parts[..], ["00", TRACE, span, "01"] if span.len() == 16 && span != "0000000000000000")
    };
    assert!(!seen.is_empty() && seen.iter().all(is_ours), "{seen:?}");
    let record = fs::read(lab.home.data().join("tasks").join(&id).join("task.json")).expect("there is a task.json");
    let record: Value = serde_json::from_slice(&record).expect("task.json is JSON");
    assert_eq!(record["status"]["trace_id"], TRACE);
    let log = || lab.server.log();
    wait_until("lines about the scan", || log().lines().filter(|line| line.contains(&id)).count() > 3).await;
    for line in log().lines().filter(|line| line.contains(&id)) {
        assert!(line.contains(TRACE), "a line without the trace: {line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_traceparent_is_taken_over() {
    check(&[("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"))]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_trace_id_is_taken_over() {
    check(&[("X-Trace-Id", TRACE)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_traceparent_gives_way_to_a_new_trace() {
    let lab = Lab::new(instant(lab_report())).await;
    let arguments = json!({ "targets": "10.20.0.11", "name": "traced" });
    let request = lab.mcp.request("tools/call", json!({ "name": "run_untrusted_scan", "arguments": arguments }));
    let sent = request.header("traceparent", "00-00000000000000000000000000000000-zz-01").send().await;
    assert!(sent.expect("the server answers").status().is_success());
    let listed = lab.mcp.ok("list_scans", json!({})).await;
    let trace = listed["scans"][0]["trace_id"].as_str().expect("the scan has a trace").to_owned();
    assert!(trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit()) && trace.bytes().any(|b| b != b'0'));
}
