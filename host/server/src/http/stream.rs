//! Ends a stream of events when its caller is no longer authorized.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use futures_util::StreamExt as _;
use scanhost_app::host::Host;

use super::bearer::BearerToken;

/// Returns the response unchanged, except that a stream of events ends when its caller loses access.
pub fn while_authorized(host: &Arc<Host>, bearer: Option<BearerToken>, response: Response) -> Response {
    let is_events = |media_type: &HeaderValue| media_type.as_bytes().starts_with(b"text/event-stream");
    if !response.headers().get(header::CONTENT_TYPE).is_some_and(is_events) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let events = body.into_data_stream().take_until(access_lost(host.clone(), bearer));
    Response::from_parts(parts, Body::from_stream(events))
}

/// Waits until a reload of the configuration takes the caller's access away.
async fn access_lost(host: Arc<Host>, bearer: Option<BearerToken>) {
    let mut generations = host.reloads.generations();
    loop {
        let is_authorized = {
            let tokens = &host.snapshot.load().config.tokens;
            tokens.is_empty() || bearer.as_ref().is_some_and(|bearer| bearer.find_in(tokens).is_some())
        };
        if !is_authorized || generations.changed().await.is_err() {
            return;
        }
    }
}
