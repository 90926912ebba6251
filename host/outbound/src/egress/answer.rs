//! The answer of a scanner: a bounded body, or an error.

use futures_util::StreamExt as _;
use scanhost_sandbox::capability::HttpError;

/// Reads the whole body.
///
/// # Errors
/// When it is larger than `max` bytes or breaks off.
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

/// Reads the first `max` bytes of the body.
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

/// Tells errors before anything was sent from those after it, since the plugin has to know.
pub fn failure(error: &reqwest::Error) -> HttpError {
    let text = chain(error);
    if error.is_connect() || error.is_builder() { HttpError::Unreachable(text) } else { HttpError::Broken(text) }
}

/// The causes of the error, without the address, which may contain a secret of the operator.
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
