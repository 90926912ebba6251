//! Bounds the bodies of requests. A body that is too long is still read for a while before it is refused, since many
//! clients read the answer only after they have sent everything, and would see a broken connection instead. Few large
//! bodies are in memory at a time, so that memory is bounded however many clients send at once.

use std::sync::Arc;

use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use scanhost_app::host::Host;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::request_slot::RequestSlot;

/// How many bytes beyond the limit are still read.
const EXCESS_READ: usize = 16 << 20;

/// The time for a whole body, as a multiple of the longest pause.
const PAUSES: u32 = 4;

/// A body with more bytes than this is large.
const LARGE: usize = 64 << 10;

/// The largest number of requests with large bodies at one time.
const MAX_LARGE_REQUESTS: usize = 32;

#[derive(Clone)]
pub struct Bodies {
    host: Arc<Host>,
    large: Arc<Semaphore>,
}

impl Bodies {
    pub fn new(host: Arc<Host>) -> Self {
        Self { host, large: Arc::new(Semaphore::new(MAX_LARGE_REQUESTS)) }
    }
}

/// Passes on a request whose body is within the limit.
pub async fn bound(State(Bodies { host, large }): State<Bodies>, request: Request, next: Next) -> Response {
    let (limit, pause) = {
        let limits = &host.snapshot.load().config.limits;
        (limits.request_bytes, limits.idle)
    };
    let deadline = Instant::now() + pause.saturating_mul(PAUSES);
    let patience = || deadline.min(Instant::now() + pause);
    let (mut parts, body) = request.into_parts();
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    // A client that sent `Expect` waits for an answer before it sends the body. One that has more than is read sees a
    // broken connection anyway.
    let expects_answer = parts.headers.get(header::EXPECT).is_some() && declared > limit;
    if expects_answer || declared > limit.saturating_add(EXCESS_READ) {
        return too_long(limit);
    }
    let mut chunks = body.into_data_stream();
    let (mut kept, mut length, mut slot, mut is_crowded) = (Vec::new(), 0_usize, None, false);
    while length <= limit.saturating_add(EXCESS_READ) {
        match timeout_at(patience(), chunks.next()).await {
            Ok(Some(Ok(chunk))) => {
                length = length.saturating_add(chunk.len());
                if slot.is_none() && !is_crowded && declared <= limit && (LARGE + 1..=limit).contains(&length) {
                    let found = timeout_at(patience(), large.clone().acquire_owned()).await;
                    // The semaphore is never closed.
                    slot = found.ok().and_then(Result::ok).map(RequestSlot::new);
                    is_crowded = slot.is_none();
                }
                if declared.max(length) <= limit && !is_crowded {
                    kept.extend_from_slice(&chunk);
                } else {
                    (kept, slot) = (Vec::new(), None);
                }
            }
            Ok(None) => break,
            Ok(Some(Err(_))) => return StatusCode::BAD_REQUEST.into_response(),
            Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
        }
    }
    if length > limit {
        return too_long(limit);
    }
    if is_crowded {
        let message = "too many large requests at once: retry later\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], message).into_response();
    }
    if let Some(slot) = slot {
        parts.extensions.insert(slot);
    }
    next.run(Request::from_parts(parts, Body::from(kept))).await
}

fn too_long(limit: usize) -> Response {
    (StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes\n")).into_response()
}
