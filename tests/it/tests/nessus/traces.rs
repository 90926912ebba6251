//! The trace id of a submit is in every answer, log line and record of the scan, and in the requests to its scanner.

use std::fs;

use scanhost_it::testbed::{Testbed, four_host_report, instant_scans, wait_until};
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Submits a scan with these headers, and checks that the trace id is everywhere.
async fn check_trace(headers: &[(&str, &str)]) {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let arguments = json!({ "targets": "10.20.0.11", "name": "traced" });
    let mut request =
        testbed.mcp.request("tools/call", json!({ "name": "run_untrusted_scan", "arguments": arguments }));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("the server answers").text().await.expect("the answer is text");
    assert!(answer.contains(TRACE), "the answer to the submit has no trace: {answer}");
    let listed = testbed.mcp.call_ok("list_scans", json!({})).await;
    let id = listed["scans"][0]["task_id"].as_str().expect("the scan is listed").to_owned();
    let status = testbed.wait_for_end(&id).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["trace_id"], TRACE);
    let traceparents = testbed.record(&status).headers.remove("traceparent").expect("the scanner got traceparents");
    let is_ours = |header: &String| {
        let parts: Vec<&str> = header.split('-').collect();
        matches!(parts[..], ["00", TRACE, span, "01"] if span.len() == 16 && span != "0000000000000000")
    };
    assert!(!traceparents.is_empty() && traceparents.iter().all(is_ours), "{traceparents:?}");
    let record = fs::read(testbed.home.data().join("tasks").join(&id).join("task.json")).expect("there is a task.json");
    let record: Value = serde_json::from_slice(&record).expect("task.json is JSON");
    assert_eq!(record["status"]["trace_id"], TRACE);
    let log = || testbed.server.log();
    wait_until("lines about the scan", || log().lines().filter(|line| line.contains(&id)).count() > 3).await;
    for line in log().lines().filter(|line| line.contains(&id)) {
        assert!(line.contains(TRACE), "the line has no trace: {line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traceparent_header_sets_the_trace_id() {
    check_trace(&[("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"))]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x_trace_id_header_sets_the_trace_id() {
    check_trace(&[("X-Trace-Id", TRACE)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_traceparent_is_replaced_with_a_new_trace_id() {
    let testbed = Testbed::new(instant_scans(four_host_report())).await;
    let arguments = json!({ "targets": "10.20.0.11", "name": "traced" });
    let request = testbed.mcp.request("tools/call", json!({ "name": "run_untrusted_scan", "arguments": arguments }));
    let sent = request.header("traceparent", "00-00000000000000000000000000000000-zz-01").send().await;
    assert!(sent.expect("the server answers").status().is_success());
    let listed = testbed.mcp.call_ok("list_scans", json!({})).await;
    let trace = listed["scans"][0]["trace_id"].as_str().expect("the scan has a trace").to_owned();
    assert!(trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit()) && trace.bytes().any(|b| b != b'0'));
}
