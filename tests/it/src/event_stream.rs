//! An HTTP answer that is a stream of server-sent events, each of which holds one message.

use std::time::Duration;

use serde_json::Value;

/// The longest time until the next message, on a busy machine.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// A stream of messages. Dropping it closes the connection.
pub struct EventStream {
    response: reqwest::Response,
    unread: String,
}

impl EventStream {
    pub async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        assert!(response.status().is_success(), "{}", response.status());
        Self { response, unread: String::new() }
    }

    /// Waits for the next message, and returns `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((line, rest)) = self.unread.split_once('\n') {
                let message = line.strip_prefix("data:").and_then(|data| serde_json::from_str(data.trim()).ok());
                self.unread = rest.to_owned();
                if message.is_some() {
                    return message;
                }
            }
            let chunk = tokio::time::timeout(MESSAGE_TIMEOUT, self.response.chunk()).await.expect("a message in time");
            self.unread.push_str(std::str::from_utf8(&chunk.ok()??).expect("events are text"));
        }
    }

    /// Waits for the next message that the predicate accepts, and ignores the others.
    pub async fn wait_for(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next().await.expect("the stream goes on");
            if is_wanted(&message) {
                return message;
            }
        }
    }
}
