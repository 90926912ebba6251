//! Trace ids: the one of the request is used, or a new one is made, and every answer has it.

use scanhost_it::{
    http_response::{HttpResponse, call_with_headers, tool_outcome},
    scans::{scan_arguments, submit, wait_for_status},
    testbed::wait_until,
};
use serde_json::json;

use crate::TestHost;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TOOL: &str = "run_untrusted_scan";

#[tokio::test]
async fn trace_id_of_a_header_is_used() {
    let host = TestHost::with_instant_scans();
    let uuid = "4BF92F35-77b3-4da6-a3ce-929d0e0e4736";
    for (header, value, trace) in [
        ("traceparent", PARENT, TRACE),
        ("x-trace-id", TRACE, TRACE),
        ("x-trace-id", uuid, uuid),
        ("x-trace-id", "a3ce929d0e0e4736", "a3ce929d0e0e4736"),
        ("x-trace-id", " ticket_7:a.b ", "ticket_7:a.b"),
    ] {
        let submitted =
            call_with_headers(&host.mcp, TOOL, scan_arguments(json!({})), &[(header, value)]).await.expect("submitted");
        assert_eq!(submitted["trace_id"], trace, "{header}");
        let id = submitted["task_id"].as_str().expect("an id");
        let status = wait_for_status(&host.mcp, id, "completed").await;
        assert_eq!(status["trace_id"], trace, "the scan keeps the trace id");
        let summary = host.mcp.call_ok("get_scan_summary", json!({ "task_id": id })).await;
        assert_eq!(summary["trace_id"], trace);
        let compared = json!({ "baseline_task_id": id, "task_id": id });
        assert_eq!(host.mcp.call_ok("compare_scans", compared).await["trace_id"], trace);
        let call = json!({ "name": "get_scan_results", "arguments": { "task_id": id } });
        let results = host.mcp.call_method("tools/call", call).await.expect("results");
        assert_eq!(results["_meta"]["trace_id"], trace, "the metadata has the trace id, and the lines do not change");
        assert!(results["_meta"]["io.modelcontextprotocol/serverInfo"].is_object());
        wait_until("log lines with the trace id", || host.server.log().contains(trace)).await;
    }
}

#[tokio::test]
async fn trace_id_of_the_call_metadata_is_used() {
    let host = TestHost::with_instant_scans();
    let request = host.mcp.request("tools/call", json!({ "name": TOOL, "arguments": scan_arguments(json!({})) }));
    let request = request.build().expect("a request");
    let body = request.body().and_then(reqwest::Body::as_bytes).expect("a body");
    let mut message: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    message["params"]["_meta"]["traceparent"] = PARENT.into();
    let again = host.mcp.request("tools/call", json!({ "name": TOOL })).body(message.to_string());
    let submitted = tool_outcome(&HttpResponse::to(again).await).expect("submitted");
    assert_eq!(submitted["trace_id"], TRACE);
}

#[tokio::test]
async fn malformed_trace_id_is_replaced() {
    let host = TestHost::with_instant_scans();
    let long = "x".repeat(129);
    let none = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
    let malformed = ["../../etc", "", "a b", &long].map(|text| ("x-trace-id", text));
    for header in [("traceparent", "00-zz-00-01"), ("traceparent", none)].into_iter().chain(malformed) {
        let submitted =
            call_with_headers(&host.mcp, TOOL, scan_arguments(json!({})), &[header]).await.expect("submitted");
        let trace = submitted["trace_id"].as_str().expect("a trace id");
        assert!(
            trace != TRACE && trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit()),
            "{header:?}: {trace}"
        );
    }
}

#[tokio::test]
async fn each_scan_has_its_own_trace_id() {
    let host = TestHost::with_instant_scans();
    let mut traces = Vec::new();
    for _ in 0..2 {
        let id = submit(&host.mcp, json!({})).await;
        traces.push(host.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await["trace_id"].clone());
    }
    assert_ne!(traces[0], traces[1]);
}
