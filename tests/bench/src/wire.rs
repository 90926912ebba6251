//! A client that costs next to nothing, since it shares the machine with what it measures: requests are made
//! beforehand, connections stay open, and of an answer only what is needed is looked at.

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

/// One connection.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A request, as it goes over the wire.
#[derive(Clone)]
pub struct Call {
    bytes: Arc<[u8]>,
    is_submit: bool,
}

pub struct Answer<'a> {
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

impl Wire {
    pub async fn to(server: &Server) -> Self {
        Self::open(address(server)).await
    }

    pub async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(16 << 10) }
    }

    /// The answer, which has to be a good one.
    pub async fn call(&mut self, call: &Call) -> Answer<'_> {
        let start = Instant::now();
        self.stream.write_all(&call.bytes).await.unwrap();
        self.buffer.clear();
        let body = loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server closed a connection: {}", String::from_utf8_lossy(&self.buffer));
            if let Some(body) = whole(&self.buffer) {
                break body;
            }
        };
        let time = start.elapsed();
        let text = || String::from_utf8_lossy(&self.buffer);
        assert!(self.buffer.starts_with(b"HTTP/1.1 200 "), "{}", text());
        let body = &self.buffer[body..];
        assert!(find(body, b"\"isError\":true").is_none() && find(body, b"\"error\":{").is_none(), "{}", text());
        Answer { time, body }
    }
}

impl Answer<'_> {
    /// The scan that was submitted.
    pub fn task_id(&self) -> String {
        let key = b"\"task_id\":\"";
        let start = find(self.body, key).expect("an answer to a submit names its scan") + key.len();
        let end = start + self.body[start..].iter().position(|byte| *byte == b'"').unwrap();
        String::from_utf8(self.body[start..end].to_vec()).unwrap()
    }
}

pub fn address(server: &Server) -> &str {
    server.url().trim_start_matches("http://")
}

/// Where the body begins, once the whole answer is there.
fn whole(answer: &[u8]) -> Option<usize> {
    let body = find(answer, b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..body]).unwrap().to_ascii_lowercase();
    let is_whole = match head.split("content-length:").nth(1) {
        Some(length) => answer.len() - body >= length.lines().next()?.trim().parse().unwrap(),
        // In chunks, of which the last is empty.
        None => answer[body..].ends_with(b"\r\n0\r\n\r\n"),
    };
    is_whole.then_some(body)
}
