//! Counts requests by route and code. A path that is no route of ours is `unknown`: a stranger's text makes no label.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::{host::Host, metrics::UNKNOWN};

/// The routes of this server.
pub const ROUTES: [&str; 4] = ["/mcp", "/health", "/ready", "/metrics"];

pub async fn count(State(host): State<Arc<Host>>, request: Request, next: Next) -> Response {
    let route = route(request.uri().path());
    let response = next.run(request).await;
    host.metrics.answered_request(route, response.status().as_u16());
    response
}

fn route(path: &str) -> &'static str {
    let is_on = |route: &&&str| path.strip_prefix(**route).is_some_and(|rest| rest.is_empty() || rest == "/");
    ROUTES.iter().find(is_on).copied().unwrap_or(UNKNOWN)
}
