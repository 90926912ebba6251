//! A client that costs next to nothing, since it shares the machine with the server that it measures.
//!
//! Requests are built beforehand, connections stay open, and responses are searched for a few byte strings instead of
//! being parsed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use memchr::memmem::find;
use scanhost_it::{mcp::PROTOCOL, server::Server};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// An open connection to the server.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A request whose bytes are ready to be sent.
#[derive(Clone)]
pub struct Call {
    bytes: Arc<[u8]>,
    is_submit: bool,
}

pub struct Response<'a> {
    pub time: Duration,
    pub body: &'a [u8],
}

impl Call {
    pub fn new(server: &Server, tool: &str, arguments: &Value) -> Self {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments, "_meta": {
                "io.modelcontextprotocol/protocolVersion": PROTOCOL,
                "io.modelcontextprotocol/clientInfo": { "name": "scanhost bench", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            } },
        });
        let body = message.to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: {PROTOCOL}\r\n\
             mcp-method: tools/call\r\nmcp-name: {tool}\r\n\r\n",
            address(server),
            body.len(),
        );
        Self { bytes: (head + &body).into_bytes().into(), is_submit: tool.starts_with("run_") }
    }

    pub fn get(server: &Server, path: &str) -> Self {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", address(server));
        Self { bytes: request.into_bytes().into(), is_submit: false }
    }

    pub fn is_submit(&self) -> bool {
        self.is_submit
    }
}

impl Connection {
    pub async fn to_server(server: &Server) -> Self {
        Self::to_address(address(server)).await
    }

    pub async fn to_address(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(16 << 10) }
    }

    /// Sends the request and reads the response.
    ///
    /// # Panics
    /// Panics if the response reports an error.
    pub async fn call(&mut self, call: &Call) -> Response<'_> {
        let start = Instant::now();
        self.stream.write_all(&call.bytes).await.unwrap();
        self.buffer.clear();
        let body_start = loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server closed a connection: {}", String::from_utf8_lossy(&self.buffer));
            if let Some(body_start) = body_start_if_complete(&self.buffer) {
                break body_start;
            }
        };
        let time = start.elapsed();
        let text = || String::from_utf8_lossy(&self.buffer);
        assert!(self.buffer.starts_with(b"HTTP/1.1 200 "), "{}", text());
        let body = &self.buffer[body_start..];
        assert!(find(body, b"\"isError\":true").is_none() && find(body, b"\"error\":{").is_none(), "{}", text());
        Response { time, body }
    }
}

impl Response<'_> {
    /// The id of the submitted scan.
    pub fn task_id(&self) -> String {
        let key = b"\"task_id\":\"";
        let start = find(self.body, key).expect("the response to a submit has a task_id") + key.len();
        let end = start + self.body[start..].iter().position(|byte| *byte == b'"').unwrap();
        String::from_utf8(self.body[start..end].to_vec()).unwrap()
    }
}

pub fn address(server: &Server) -> &str {
    server.url().trim_start_matches("http://")
}

/// Returns where the body starts once the buffer holds the complete response.
fn body_start_if_complete(buffer: &[u8]) -> Option<usize> {
    let body_start = find(buffer, b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&buffer[..body_start]).unwrap().to_ascii_lowercase();
    let is_complete = match head.split("content-length:").nth(1) {
        Some(length) => buffer.len() - body_start >= length.lines().next()?.trim().parse().unwrap(),
        // A chunked body ends with an empty chunk.
        None => buffer[body_start..].ends_with(b"\r\n0\r\n\r\n"),
    };
    is_complete.then_some(body_start)
}
