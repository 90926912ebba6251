//! An answer that comes as a stream of events, message by message.

use std::time::Duration;

use serde_json::Value;

/// How long the next message may take, on a busy machine.
const MESSAGE_TIME: Duration = Duration::from_secs(60);

/// Ends with being dropped, as a connection that is closed.
pub struct Events {
    response: reqwest::Response,
    waiting: String,
}

impl Events {
    pub async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        assert!(response.status().is_success(), "{}", response.status());
        Self { response, waiting: String::new() }
    }

    /// The next message; none at the end of the stream.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((line, rest)) = self.waiting.split_once('\n') {
                let message = line.strip_prefix("data:").and_then(|data| serde_json::from_str(data.trim()).ok());
                self.waiting = rest.to_owned();
                if message.is_some() {
                    return message;
                }
            }
            let chunk = tokio::time::timeout(MESSAGE_TIME, self.response.chunk()).await.expect("a message in time");
            self.waiting.push_str(std::str::from_utf8(&chunk.ok()??).expect("events are text"));
        }
    }

    /// The next message of this method, or the answer to this request; others are passed over.
    pub async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next().await.expect("the stream goes on");
            if fits(&message) {
                return message;
            }
        }
    }
}
