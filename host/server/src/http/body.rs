//! Bodies are bounded. One that is too long is read on for a while before it is refused: many clients look for the
//! answer only once they have sent everything, and would see a broken connection instead. Of large ones few are there at
//! a time, so that memory is bounded however many clients send at once.

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
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// How much of what is too much is read.
const READ_ON: usize = 16 << 20;

/// How many times the longest pause a whole body may take.
const PAUSES: u32 = 4;

/// What is more than this is large.
const LARGE: usize = 64 << 10;

/// Requests with large bodies at one time.
const LARGE_AT_A_TIME: usize = 32;

/// The place of a request with a large body, taken as long as anything of the request is there.
#[derive(Clone)]
pub struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

#[derive(Clone)]
pub struct Bodies {
    host: Arc<Host>,
    large: Arc<Semaphore>,
}

impl Bodies {
    pub fn new(host: Arc<Host>) -> Self {
        Self { host, large: Arc::new(Semaphore::new(LARGE_AT_A_TIME)) }
    }
}

/// Passes on requests whose bodies are within the limit.
pub async fn bound(State(Bodies { host, large }): State<Bodies>, request: Request, next: Next) -> Response {
    let (limit, pause) = {
        let limits = &host.snapshot.load().config.limits;
        (limits.request_bytes, limits.idle)
    };
    let deadline = Instant::now() + pause.saturating_mul(PAUSES);
    let patience = || deadline.min(Instant::now() + pause);
    let (mut parts, body) = request.into_parts();
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    // Who waits for a word sends nothing before it, and who has more than is read on sees a broken connection anyway.
    let waits = parts.headers.get(header::EXPECT).is_some() && declared > limit;
    if waits || declared > limit.saturating_add(READ_ON) {
        return too_long(limit);
    }
    let mut chunks = body.into_data_stream();
    let (mut kept, mut length, mut place, mut is_crowded) = (Vec::new(), 0_usize, None, false);
    while length <= limit.saturating_add(READ_ON) {
        match timeout_at(patience(), chunks.next()).await {
            Ok(Some(Ok(chunk))) => {
                length = length.saturating_add(chunk.len());
                if place.is_none() && !is_crowded && declared <= limit && (LARGE + 1..=limit).contains(&length) {
                    let found = timeout_at(patience(), large.clone().acquire_owned()).await;
                    // Never closed.
                    place = found.ok().and_then(Result::ok).map(|place| Place { _permit: Arc::new(place) });
                    is_crowded = place.is_none();
                }
                if declared.max(length) <= limit && !is_crowded {
                    kept.extend_from_slice(&chunk);
                } else {
                    (kept, place) = (Vec::new(), None);
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
        let message = "too many large requests at once: send it again later\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], message).into_response();
    }
    if let Some(place) = place {
        parts.extensions.insert(place);
    }
    next.run(Request::from_parts(parts, Body::from(kept))).await
}

fn too_long(limit: usize) -> Response {
    (StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {limit} bytes\n")).into_response()
}
