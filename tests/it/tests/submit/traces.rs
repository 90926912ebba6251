//! Trace ids: taken over where given, else made, and in every answer.

use scanhost_it::{
    lab::wait_until,
    raw::{Answer, arguments, call_with, outcome, submit, until},
};
use serde_json::json;

use crate::Desk;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TOOL: &str = "run_untrusted_scan";

#[tokio::test]
async fn a_trace_id_is_taken_over() {
    let desk = Desk::fast();
    let dashed = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736";
    for headers in [[("traceparent", PARENT)], [("x-trace-id", TRACE)], [("x-trace-id", dashed)]] {
        let submitted = call_with(&desk.mcp, TOOL, arguments(json!({})), &headers).await.expect("submitted");
        assert_eq!(submitted["trace_id"], TRACE, "{headers:?}");
        let id = submitted["task_id"].as_str().expect("an id");
        let status = until(&desk.mcp, id, "completed").await;
        assert_eq!(status["trace_id"], TRACE, "it stays with the scan");
        let summary = desk.mcp.ok("get_scan_summary", json!({ "task_id": id })).await;
        assert_eq!(summary["trace_id"], TRACE);
        let compared = json!({ "baseline_task_id": id, "task_id": id });
        assert_eq!(desk.mcp.ok("compare_scans", compared).await["trace_id"], TRACE);
    }
    wait_until("log lines with it", || desk._server.log().contains(TRACE)).await;
}

#[tokio::test]
async fn a_trace_id_may_come_in_the_metadata_of_a_call() {
    let desk = Desk::fast();
    let request = desk.mcp.request("tools/call", json!({ "name": TOOL, "arguments": arguments(json!({})) }));
    let request = request.build().expect("a request");
    let body = request.body().and_then(reqwest::Body::as_bytes).expect("a body");
    let mut message: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    message["params"]["_meta"]["traceparent"] = PARENT.into();
    let again = desk.mcp.request("tools/call", json!({ "name": TOOL })).body(message.to_string());
    let submitted = outcome(&Answer::to(again).await).expect("submitted");
    assert_eq!(submitted["trace_id"], TRACE);
}

#[tokio::test]
async fn a_trace_id_of_64_bits_is_filled_up() {
    let desk = Desk::fast();
    let headers = [("x-trace-id", "A3CE929D0E0E4736")];
    let submitted = call_with(&desk.mcp, TOOL, arguments(json!({})), &headers).await.expect("submitted");
    assert_eq!(submitted["trace_id"], "0000000000000000a3ce929d0e0e4736");
}

#[tokio::test]
async fn a_malformed_trace_id_is_replaced() {
    let desk = Desk::fast();
    let odd_dashes = "4bf92f3577b34da6-a3ce929d0e0e4736";
    let malformed =
        ["../../etc", "", "4bf92f3577b34da", "0000000000000000", odd_dashes].map(|text| ("x-trace-id", text));
    for headers in [("traceparent", "00-zz-00-01")].into_iter().chain(malformed).map(|header| [header]) {
        let submitted = call_with(&desk.mcp, TOOL, arguments(json!({})), &headers).await.expect("submitted");
        let trace = submitted["trace_id"].as_str().expect("a trace id");
        assert!(trace != odd_dashes.replace('-', ""), "{trace}");
        assert!(trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit()), "{headers:?}: {trace}");
    }
}

#[tokio::test]
async fn each_scan_has_a_trace_id_of_its_own() {
    let desk = Desk::fast();
    let mut traces = Vec::new();
    for _ in 0..2 {
        let id = submit(&desk.mcp, json!({})).await;
        traces.push(desk.mcp.ok("get_scan_status", json!({ "task_id": id })).await["trace_id"].clone());
    }
    assert_ne!(traces[0], traces[1]);
}
