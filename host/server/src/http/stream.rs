//! An answer that goes on and on ends when its caller is no longer let in.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use futures_util::StreamExt as _;
use scanhost_app::host::Host;

use super::bearer::Given;

/// The same answer; a stream of events for as long as what its caller gave lets it in.
pub fn while_let_in(host: &Arc<Host>, given: Option<Given>, response: Response) -> Response {
    let is_events = |media_type: &HeaderValue| media_type.as_bytes().starts_with(b"text/event-stream");
    if !response.headers().get(header::CONTENT_TYPE).is_some_and(is_events) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let events = body.into_data_stream().take_until(turned_away(host.clone(), given));
    Response::from_parts(parts, Body::from_stream(events))
}

/// Ready when a change of the configuration has turned the caller away.
async fn turned_away(host: Arc<Host>, given: Option<Given>) {
    let mut generations = host.reloads.generations();
    loop {
        let is_let_in = {
            let tokens = &host.snapshot.load().config.tokens;
            tokens.is_empty() || given.as_ref().is_some_and(|given| given.find(tokens).is_some())
        };
        if !is_let_in || generations.changed().await.is_err() {
            return;
        }
    }
}
