//! What came back from a scanner: a bounded body, or what kept it from coming.

use futures_util::StreamExt as _;
use scanhost_sandbox::capability::HttpError;

/// The whole body.
///
/// # Errors
/// When it is larger than `max` or breaks off.
pub async fn read_body(answer: reqwest::Response, max: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| failure(&error))?;
        if body.len() + piece.len() > max {
            return Err(HttpError::TooLarge(max as u64));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// The body's first `max` bytes.
///
/// # Errors
/// When it breaks off before.
pub async fn read_start(answer: reqwest::Response, max: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| failure(&error))?;
        let room = max - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.len() == max {
            break;
        }
    }
    Ok(body)
}

/// Whether anything was sent is what the plugin has to know.
pub fn failure(error: &reqwest::Error) -> HttpError {
    let text = chain(error);
    if error.is_connect() || error.is_builder() { HttpError::Unreachable(text) } else { HttpError::Broken(text) }
}

/// The causes without the address, which may carry what an operator put there.
pub fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    if text.is_empty() && error.is_timeout() { "timed out".to_owned() } else { text }
}
