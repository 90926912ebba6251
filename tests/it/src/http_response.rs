//! The HTTP response to a call, for tests that send their own headers or look at the HTTP code.

use serde_json::{Value, json};

use crate::mcp::McpClient;

/// The code and body of an HTTP response.
#[derive(Debug)]
pub struct HttpResponse {
    pub code: u16,
    pub body: String,
}

impl HttpResponse {
    /// Sends the request, and reads the whole response.
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let code = response.status().as_u16();
        Self { code, body: response.text().await.expect("the answer is text") }
    }

    /// The JSON-RPC message in the body: the body itself, or its last message if it is an event stream.
    pub fn message(&self) -> Value {
        let mut events = self.body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        let last = events.rfind(|data| !data.is_empty()).unwrap_or(&self.body);
        serde_json::from_str(last)
            .unwrap_or_else(|_| panic!("the body is not an MCP answer: {} {}", self.code, self.body))
    }
}

/// Calls a tool with these headers, and returns the structured content, or the error of the tool as `Err`.
pub async fn call_with_headers(
    mcp: &McpClient,
    tool: &str,
    arguments: Value,
    headers: &[(&str, &str)],
) -> Result<Value, Value> {
    let mut request = mcp.request("tools/call", json!({ "name": tool, "arguments": arguments }));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    tool_outcome(&HttpResponse::to(request).await)
}

/// Returns the structured content of a tool call, or the error of the tool as `Err`.
pub fn tool_outcome(response: &HttpResponse) -> Result<Value, Value> {
    let result = response.message()["result"].clone();
    if result["isError"] != true {
        return Ok(result["structuredContent"].clone());
    }
    let text = result["content"][0]["text"].as_str().expect("an error has text");
    let error: Value = serde_json::from_str(text).expect("an error is JSON");
    Err(error["error"].clone())
}
