//! Calls with headers or metadata of the test's own, and answers as they come over HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::mcp::Mcp;

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub body: String,
}

impl Answer {
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let code = response.status().as_u16();
        Self { code, body: response.text().await.expect("the answer is text") }
    }

    /// The JSON-RPC message in it, which may be the last of a stream of events.
    pub fn message(&self) -> Value {
        let mut events = self.body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        let last = events.rfind(|data| !data.is_empty()).unwrap_or(&self.body);
        serde_json::from_str(last).unwrap_or_else(|_| panic!("not an MCP answer: {} {}", self.code, self.body))
    }
}

/// Calls a tool with headers, and returns the structured content, or the error of a refused call.
pub async fn call_with(mcp: &Mcp, tool: &str, arguments: Value, headers: &[(&str, &str)]) -> Result<Value, Value> {
    let mut request = mcp.request("tools/call", json!({ "name": tool, "arguments": arguments }));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    outcome(&Answer::to(request).await)
}

/// The structured content of a call that succeeded, and the error of one that did not.
pub fn outcome(answer: &Answer) -> Result<Value, Value> {
    let result = answer.message()["result"].clone();
    if result["isError"] != true {
        return Ok(result["structuredContent"].clone());
    }
    let text = result["content"][0]["text"].as_str().expect("an error has text");
    let error: Value = serde_json::from_str(text).expect("an error is JSON");
    Err(error["error"].clone())
}

/// Waits, within a bound, until the scan has this status.
pub async fn until(mcp: &Mcp, task_id: &str, status: &str) -> Value {
    const BOUND: Duration = Duration::from_secs(30);
    let start = Instant::now();
    loop {
        let scan = mcp.ok("get_scan_status", json!({ "task_id": task_id })).await;
        if scan["status"] == status {
            return scan;
        }
        assert!(start.elapsed() < BOUND, "the scan was not {status} within {BOUND:?}: {scan}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Submits an untrusted scan, with what `more` adds to or changes in its arguments, and returns its id.
pub async fn submit(mcp: &Mcp, more: Value) -> String {
    let submitted = mcp.ok("run_untrusted_scan", arguments(more)).await;
    submitted["task_id"].as_str().expect("a submission has a task id").to_owned()
}

/// The arguments of an untrusted scan, with what `more` adds to or changes in them.
pub fn arguments(more: Value) -> Value {
    let mut arguments = json!({ "targets": "10.0.0.1", "name": "test" });
    for (name, value) in more.as_object().expect("arguments are an object") {
        arguments[name] = value.clone();
    }
    arguments
}
