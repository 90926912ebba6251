//! A small MCP client for the protocol version 2025-11-25, which has sessions.

use serde_json::{Value, json};

use crate::{event_stream::EventStream, mcp::McpClient};

pub const PROTOCOL: &str = "2025-11-25";

#[derive(Clone)]
pub struct Session {
    http: reqwest::Client,
    url: String,
    id: String,
    token: Option<String>,
}

impl Session {
    /// Opens a session with the server at this address, with the token of the client.
    pub async fn open(mcp: &McpClient, server: &str, capabilities: Value) -> Self {
        let (http, url, token) = (mcp.http().clone(), format!("{server}/mcp"), mcp.token.clone());
        let mut session = Self { http, url, token, id: String::new() };
        let hello = json!({ "protocolVersion": PROTOCOL, "capabilities": capabilities,
            "clientInfo": { "name": "scanhost tests", "version": "1" } });
        let hello = session.post(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }));
        let answer = hello.send().await.expect("the server answers");
        let id = answer.headers().get("mcp-session-id").expect("a session has an id");
        session.id = id.to_str().expect("it is text").to_owned();
        let code = session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        assert_eq!(code, 202);
        session
    }

    /// Continues this session at another server.
    pub fn at_server(&self, server: &str) -> Self {
        Self { url: format!("{server}/mcp"), ..self.clone() }
    }

    /// Uses this session with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A session whose id is changed by this function.
    pub fn with_changed_id(&self, change: impl FnOnce(&str) -> String) -> Self {
        Self { id: change(&self.id), ..self.clone() }
    }

    pub fn post(&self, message: &Value) -> reqwest::RequestBuilder {
        self.with_headers(self.http.post(&self.url)).json(message)
    }

    /// Builds the request that opens the stream of notifications.
    pub fn listen(&self) -> reqwest::RequestBuilder {
        self.with_headers(self.http.get(&self.url))
    }

    fn with_headers(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let request = request.header("accept", "application/json, text/event-stream");
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        if self.id.is_empty() {
            return request;
        }
        request.header("mcp-session-id", &self.id).header("mcp-protocol-version", PROTOCOL)
    }

    /// Sends a message, and returns the HTTP code without reading the answer.
    pub async fn send(&self, message: &Value) -> u16 {
        self.post(message).send().await.expect("the server answers").status().as_u16()
    }

    /// Sends a request, and returns the event stream on which its answer will arrive.
    pub async fn open_stream(&self, id: u32, method: &str, params: Value) -> EventStream {
        EventStream::open(self.post(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))).await
    }

    /// Calls a JSON-RPC method, and returns its result, or the JSON-RPC error as `Err`.
    pub async fn call_method(&self, id: u32, method: &str, params: Value) -> Result<Value, Value> {
        let answer = self.open_stream(id, method, params).await.wait_for(|message| message["id"] == id).await;
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].clone()),
        }
    }

    /// Ends the session, and returns the HTTP code.
    pub async fn end(&self) -> u16 {
        self.with_headers(self.http.delete(&self.url)).send().await.expect("the server answers").status().as_u16()
    }
}
