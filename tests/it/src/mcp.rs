//! A small MCP client of the stateless era (protocol 2026-07-28): one POST a call.

use std::{sync::Once, time::Duration};

use serde_json::{Value, json};

pub const PROTOCOL: &str = "2026-07-28";

/// Longer than any single call takes that does not hang.
const CALL_TIME: Duration = Duration::from_secs(90);

#[derive(Clone)]
pub struct Mcp {
    http: reqwest::Client,
    url: String,
    pub(crate) token: Option<String>,
    capabilities: Value,
}

/// What a tool answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub is_error: bool,
    pub text: String,
    pub structured: Value,
}

impl Mcp {
    /// A client of the server at this address.
    pub fn new(server: &str) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            rustls::crypto::ring::default_provider().install_default().expect("it is installed once");
        });
        let http = reqwest::Client::builder().no_proxy().timeout(CALL_TIME).build().expect("a client can be made");
        Self { http, url: format!("{server}/mcp"), token: None, capabilities: json!({}) }
    }

    /// The same client with a bearer token.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The same client with capabilities of its own.
    pub fn with_capabilities(mut self, capabilities: Value) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// The same client by another way to the server.
    pub fn at(self, server: &str, http: reqwest::Client) -> Self {
        Self { http, url: format!("{server}/mcp"), ..self }
    }

    /// The HTTP client, for requests that are no MCP.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// One JSON-RPC request as it would be sent, to be changed by tests that need to.
    pub fn request(&self, method: &str, params: Value) -> reqwest::RequestBuilder {
        self.request_with(method, params, json!({}))
    }

    /// The same with more in its metadata.
    pub fn request_with(&self, method: &str, mut params: Value, more: Value) -> reqwest::RequestBuilder {
        let mut meta = json!({
            "io.modelcontextprotocol/protocolVersion": PROTOCOL,
            "io.modelcontextprotocol/clientInfo": { "name": "scanhost tests", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
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

    /// The result of a method, or the JSON-RPC error as `Err`.
    pub async fn method(&self, method: &str, params: Value) -> Result<Value, Value> {
        self.try_method(method, params).await.expect("the server answers")
    }

    /// The same with a server that may be killed meanwhile.
    async fn try_method(&self, method: &str, params: Value) -> reqwest::Result<Result<Value, Value>> {
        let body = self.request(method, params).send().await?.text().await?;
        let message = last_message(&body);
        Ok(match message.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(message["result"].clone()),
        })
    }

    pub async fn tools(&self) -> Vec<Value> {
        let listed = self.method("tools/list", json!({})).await.expect("tools can be listed");
        listed["tools"].as_array().expect("a list of tools").clone()
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> Reply {
        self.try_call(tool, arguments).await.expect("the server answers")
    }

    /// Calls a tool of a server that may be killed meanwhile.
    pub async fn try_call(&self, tool: &str, arguments: Value) -> reqwest::Result<Reply> {
        let result = self.try_method("tools/call", json!({ "name": tool, "arguments": arguments })).await?;
        let result = result.unwrap_or_else(|error| panic!("{tool}: {error}"));
        Ok(Reply {
            is_error: result["isError"].as_bool().unwrap_or(false),
            text: result["content"][0]["text"].as_str().unwrap_or_default().to_owned(),
            structured: result["structuredContent"].clone(),
        })
    }

    /// Calls a tool that has to succeed, and returns its structured content.
    pub async fn ok(&self, tool: &str, arguments: Value) -> Value {
        let reply = self.call(tool, arguments).await;
        assert!(!reply.is_error, "{tool}: {}", reply.text);
        reply.structured
    }

    /// Calls a tool that has to fail, and returns code, message and hint.
    pub async fn refused(&self, tool: &str, arguments: Value) -> (String, String, String) {
        let reply = self.call(tool, arguments).await;
        assert!(reply.is_error, "{tool} succeeded: {}", reply.text);
        assert!(reply.structured.is_null(), "a failed call has no structured content");
        let error: Value = serde_json::from_str(&reply.text).expect("an error is JSON");
        let text = |key: &str| error["error"][key].as_str().expect("an error has code, message and hint").to_owned();
        (text("code"), text("message"), text("hint"))
    }

    /// Waits, within `bound`, until the scan has ended, and returns its status.
    pub async fn ended(&self, task_id: &str, bound: Duration) -> Value {
        let start = std::time::Instant::now();
        loop {
            let status = self.ok("wait_for_scan", json!({ "task_id": task_id, "timeout_seconds": 5 })).await;
            if !matches!(status["status"].as_str(), Some("queued" | "running")) {
                return status;
            }
            assert!(start.elapsed() < bound, "the scan did not end within {bound:?}: {status}");
        }
    }

    /// The lines of `get_scan_results`.
    pub async fn results(&self, arguments: Value) -> Vec<Value> {
        let reply = self.call("get_scan_results", arguments).await;
        assert!(!reply.is_error, "{}", reply.text);
        reply.text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }
}

/// The answer among the events of a stream, or the body itself where it is plain JSON.
fn last_message(body: &str) -> Value {
    let mut events = body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    let last = events.rfind(|data| !data.is_empty()).unwrap_or(body);
    serde_json::from_str(last).unwrap_or_else(|_| panic!("not an MCP answer: {body}"))
}
