//! A small MCP client of the era with sessions (protocol 2025-11-25).

use serde_json::{Value, json};

use crate::{mcp::Mcp, stream::Events};

pub const PROTOCOL: &str = "2025-11-25";

#[derive(Clone)]
pub struct Session {
    http: reqwest::Client,
    url: String,
    id: String,
    token: Option<String>,
}

impl Session {
    /// Shakes hands with the server at this address, with the client's token.
    pub async fn open(mcp: &Mcp, server: &str, capabilities: Value) -> Self {
        let (http, url, token) = (mcp.http().clone(), format!("{server}/mcp"), mcp.token.clone());
        let mut session = Self { http, url, token, id: String::new() };
        let hello = json!({ "protocolVersion": PROTOCOL, "capabilities": capabilities,
            "clientInfo": { "name": "scanhost tests", "version": "1" } });
        let hello = session.post(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }));
        let answer = hello.send().await.expect("the server answers");
        let id = answer.headers().get("mcp-session-id").expect("a session has an id");
        session.id = id.to_str().expect("it is text").to_owned();
        let told = session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        assert_eq!(told, 202);
        session
    }

    /// The same session, which another process may have to go on with.
    pub fn at(&self, server: &str) -> Self {
        Self { url: format!("{server}/mcp"), ..self.clone() }
    }

    /// The same session, as somebody with this token tries to use it.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Another session under the name that this function makes of the id.
    pub fn renamed(&self, rename: impl FnOnce(&str) -> String) -> Self {
        Self { id: rename(&self.id), ..self.clone() }
    }

    pub fn post(&self, message: &Value) -> reqwest::RequestBuilder {
        self.headed(self.http.post(&self.url)).json(message)
    }

    /// What the server tells by itself.
    pub fn listen(&self) -> reqwest::RequestBuilder {
        self.headed(self.http.get(&self.url))
    }

    fn headed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
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

    /// Sends what has no answer, and returns the HTTP code.
    pub async fn send(&self, message: &Value) -> u16 {
        self.post(message).send().await.expect("the server answers").status().as_u16()
    }

    /// Opens the stream of a request's answer.
    pub async fn begin(&self, id: u32, method: &str, params: Value) -> Events {
        Events::open(self.post(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))).await
    }

    /// The result of a method, or the JSON-RPC error as `Err`.
    pub async fn method(&self, id: u32, method: &str, params: Value) -> Result<Value, Value> {
        let answer = self.begin(id, method, params).await.until(|message| message["id"] == id).await;
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].clone()),
        }
    }

    /// Ends the session, and returns the HTTP code.
    pub async fn end(&self) -> u16 {
        self.headed(self.http.delete(&self.url)).send().await.expect("the server answers").status().as_u16()
    }
}
