//! Bodies are bounded. One that is too long is read on for a while before it is refused: many clients look for the
//! answer only once they have sent everything, and would see a broken connection instead.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use tokio::time::Instant;

use crate::host::Host;

/// How much of what is too much is read.
const READ_ON: usize = 16 << 20;

/// How many times the longest pause a whole body may take.
const PAUSES: u32 = 4;

/// Passes on requests whose bodies are within the limit.
pub async fn bound(State(host): State<Arc<Host>>, request: Request, next: Next) -> Response {
    let (limit, pause) = {
        let limits = &host.snapshot.load().config.limits;
        (limits.request_bytes, limits.idle)
    };
    let deadline = Instant::now() + pause.saturating_mul(PAUSES);
    let (parts, body) = request.into_parts();
    let mut chunks = body.into_data_stream();
    let (mut kept, mut length) = (Vec::new(), 0_usize);
    while length <= limit.saturating_add(READ_ON) {
        match tokio::time::timeout_at(deadline.min(Instant::now() + pause), chunks.next()).await {
            Ok(Some(Ok(chunk))) => {
                length = length.saturating_add(chunk.len());
                if length <= limit {
                    kept.extend_from_slice(&chunk);
                } else {
                    kept = Vec::new();
                }
            }
            Ok(None) => break,
            Ok(Some(Err(_))) => return StatusCode::BAD_REQUEST.into_response(),
            Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
        }
    }
    if length > limit {
        let message = format!("the body has more than {limit} bytes\n");
        return (StatusCode::PAYLOAD_TOO_LARGE, message).into_response();
    }
    next.run(Request::from_parts(parts, Body::from(kept))).await
}
