//! A small MCP client for the stateless protocol version 2026-07-28, which sends one POST request per call.

use std::{sync::Once, time::Duration};

use serde_json::{Value, json};

pub const PROTOCOL: &str = "2026-07-28";

/// Longer than any call takes unless it hangs.
const CALL_TIMEOUT: Duration = Duration::from_secs(90);

#[derive(Clone)]
pub struct McpClient {
    http: reqwest::Client,
    url: String,
    pub(crate) token: Option<String>,
    capabilities: Value,
}

/// The result of a tool call.
#[derive(Clone, Debug)]
pub struct ToolReply {
    pub is_error: bool,
    pub text: String,
    pub structured: Value,
}

impl McpClient {
    /// Makes a client of the server at this address.
    pub fn new(server: &str) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            rustls::crypto::ring::default_provider().install_default().expect("it is installed once");
        });
        let http = reqwest::Client::builder().no_proxy().timeout(CALL_TIMEOUT).build().expect("a client can be made");
        Self { http, url: format!("{server}/mcp"), token: None, capabilities: json!({}) }
    }

    /// Sets the bearer token.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Sets the capabilities that the client declares.
    pub fn with_capabilities(mut self, capabilities: Value) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Reaches the server at this address through this HTTP client, such as one that speaks TLS.
    pub fn through(self, server: &str, http: reqwest::Client) -> Self {
        Self { http, url: format!("{server}/mcp"), ..self }
    }

    /// The HTTP client, for requests that do not speak MCP.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Builds a JSON-RPC request, which a test may change before it is sent.
    pub fn request(&self, method: &str, params: Value) -> reqwest::RequestBuilder {
        self.request_with_metadata(method, params, json!({}))
    }

    /// Builds a JSON-RPC request that also has this metadata in its `_meta`.
    pub fn request_with_metadata(&self, method: &str, mut params: Value, metadata: Value) -> reqwest::RequestBuilder {
        let mut meta = json!({
            "io.modelcontextprotocol/protocolVersion": PROTOCOL,
            "io.modelcontextprotocol/clientInfo": { "name": "scanhost tests", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
        });
        for (name, value) in metadata.as_object().into_iter().flatten() {
            meta[name] = value.clone();
        }
        params["_meta"] = meta;
        let mut request = self
            .http
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", PROTOCOL)
            .header("mcp-method", method);
        if let Some(name) = ["name", "uri", "taskId"].iter().find_map(|name| params[name].as_str()) {
            request = request.header("mcp-name", name);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request.json(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
    }

    /// Calls a JSON-RPC method, and returns its result, or the JSON-RPC error as `Err`.
    pub async fn call_method(&self, method: &str, params: Value) -> Result<Value, Value> {
        self.try_call_method(method, params).await.expect("the server answers")
    }

    /// Calls a JSON-RPC method of a server that may be killed meanwhile.
    async fn try_call_method(&self, method: &str, params: Value) -> reqwest::Result<Result<Value, Value>> {
        let body = self.request(method, params).send().await?.text().await?;
        let message = last_message(&body);
        Ok(match message.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(message["result"].clone()),
        })
    }

    pub async fn list_tools(&self) -> Vec<Value> {
        let listed = self.call_method("tools/list", json!({})).await.expect("tools can be listed");
        listed["tools"].as_array().expect("a list of tools").clone()
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> ToolReply {
        self.try_call(tool, arguments).await.expect("the server answers")
    }

    /// Calls a tool of a server that may be killed meanwhile.
    pub async fn try_call(&self, tool: &str, arguments: Value) -> reqwest::Result<ToolReply> {
        let result = self.try_call_method("tools/call", json!({ "name": tool, "arguments": arguments })).await?;
        let result = result.unwrap_or_else(|error| panic!("{tool}: {error}"));
        Ok(ToolReply {
            is_error: result["isError"].as_bool().unwrap_or(false),
            text: result["content"][0]["text"].as_str().unwrap_or_default().to_owned(),
            structured: result["structuredContent"].clone(),
        })
    }

    /// Calls a tool that has to succeed, and returns its structured content.
    pub async fn call_ok(&self, tool: &str, arguments: Value) -> Value {
        let reply = self.call(tool, arguments).await;
        assert!(!reply.is_error, "{tool}: {}", reply.text);
        reply.structured
    }

    /// Calls a tool that has to fail, and returns code, message and hint.
    pub async fn call_refused(&self, tool: &str, arguments: Value) -> (String, String, String) {
        let reply = self.call(tool, arguments).await;
        assert!(reply.is_error, "{tool} succeeded: {}", reply.text);
        assert!(reply.structured.is_null(), "a failed call has no structured content");
        let error: Value = serde_json::from_str(&reply.text).expect("an error is JSON");
        let text = |key: &str| error["error"][key].as_str().expect("an error has code, message and hint").to_owned();
        (text("code"), text("message"), text("hint"))
    }

    /// Waits, within `bound`, until the scan has ended, and returns its status.
    pub async fn wait_for_end(&self, task_id: &str, bound: Duration) -> Value {
        let start = std::time::Instant::now();
        loop {
            let status = self.call_ok("wait_for_scan", json!({ "task_id": task_id, "timeout_seconds": 5 })).await;
            if !matches!(status["status"].as_str(), Some("queued" | "running")) {
                return status;
            }
            assert!(start.elapsed() < bound, "the scan did not end within {bound:?}: {status}");
        }
    }

    /// Calls `get_scan_results`, and returns its lines.
    pub async fn results(&self, arguments: Value) -> Vec<Value> {
        let reply = self.call("get_scan_results", arguments).await;
        assert!(!reply.is_error, "{}", reply.text);
        reply.text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }
}

/// Reads the last message of an event stream, or the body itself if it is plain JSON.
fn last_message(body: &str) -> Value {
    let mut events = body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    let last = events.rfind(|data| !data.is_empty()).unwrap_or(body);
    serde_json::from_str(last).unwrap_or_else(|_| panic!("the body is not an MCP answer: {body}"))
}
