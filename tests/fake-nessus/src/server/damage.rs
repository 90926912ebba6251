//! Broken answers. A body that fails makes hyper close the connection without sending what it has not flushed, so a
//! body that fails at once leaves the client without even a status line.

use std::{io, time::Duration};

use axum::{
    Json,
    body::{Body, to_bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;

/// How a truncated answer announces its full length.
#[derive(Clone, Copy)]
pub enum Length {
    Declared,
    Chunked,
}

/// Closes the connection without an answer.
pub fn close_connection() -> Response {
    Body::from_stream(stream::once(async { Err::<Bytes, _>(fault_error()) })).into_response()
}

/// Sends half of the body of an answer, and then closes the connection.
pub async fn truncate(answer: Response, length: Length) -> Response {
    let (mut head, body) = answer.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else { return close_connection() };
    head.headers.remove(header::CONTENT_LENGTH);
    if let Length::Declared = length {
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    }
    let half = whole.slice(..whole.len() / 2);
    let failure = stream::once(async {
        // Yielding once lets hyper flush the half before it closes the connection.
        tokio::task::yield_now().await;
        Err(fault_error())
    });
    Response::from_parts(head, Body::from_stream(stream::iter([Ok(half)]).chain(failure)))
}

pub fn status(code: StatusCode) -> Response {
    (code, Json(json!({ "error": code.canonical_reason().unwrap_or("Error") }))).into_response()
}

pub fn rate_limited(retry_after: Duration) -> Response {
    let mut response = status(StatusCode::TOO_MANY_REQUESTS);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs()));
    response
}

fn fault_error() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "a fault that was asked for")
}
