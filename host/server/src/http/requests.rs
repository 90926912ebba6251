//! Counts requests by route and code. An unknown path is counted as `unknown`, so that no caller makes up a label.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use scanhost_app::{host::Host, metrics::UNKNOWN};

use crate::page;

/// The routes for programs.
const FOR_PROGRAMS: [&str; 4] = ["/mcp", "/health", "/ready", "/metrics"];

/// The routes of this server. A name in braces stands for any one part of a path.
pub fn routes() -> impl Iterator<Item = &'static str> {
    FOR_PROGRAMS.into_iter().chain(page::ROUTES)
}

pub async fn count(State(host): State<Arc<Host>>, request: Request, next: Next) -> Response {
    let route = routes().find(|route| fits(route, request.uri().path())).unwrap_or(UNKNOWN);
    let response = next.run(request).await;
    host.metrics.answered_request(route, response.status().as_u16());
    response
}

fn fits(route: &str, path: &str) -> bool {
    let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
    let (mut wanted, mut given) = (route.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given || wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}
