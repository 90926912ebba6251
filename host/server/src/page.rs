//! The page for people at `/`: it shows what the host does and what scans found, as HTML that is written here and works
//! without JavaScript. It shows and allows only what the tools show and allow, and escapes all text that others wrote.

mod actions;
mod board;
mod chart;
mod compare;
mod document;
mod download;
mod entrance;
mod escape;
mod events;
mod findings;
mod findings_query;
mod form;
mod form_token;
mod login;
mod new_scan;
mod overview;
mod plugins;
mod scan;
mod scan_summary;
mod scans;
mod session;
mod site;
mod state;
mod static_files;
mod table;
mod time;
mod trouble;
mod trouble_page;
mod visitor;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware,
    response::Response,
    routing::{get, post},
};
use scanhost_app::host::Host;
use tokio::sync::Semaphore;

use crate::mcp::Offered;
use board::Board;
use site::Site;

/// The addresses of the page. A name in braces stands for any one part of a path.
pub const ROUTES: [&str; 18] = [
    "/",
    "/events",
    "/scans",
    "/scans/new",
    "/scans/{task_id}",
    "/scans/{task_id}/events",
    "/scans/{task_id}/cancel",
    "/scans/{task_id}/delete",
    "/scans/{task_id}/report",
    "/scans/{task_id}/findings/{format}",
    "/compare",
    "/pools/{pool}/pause",
    "/pools/{pool}/resume",
    "/login",
    "/logout",
    static_files::STYLE,
    static_files::SCRIPT,
    static_files::ICON,
];

/// The largest number of event streams that one process serves at once. A page without a stream works like a page
/// without JavaScript.
const MAX_STREAMS: usize = 256;

/// Makes the router of the page. An unknown path gets a page that says what to do.
pub fn router<S: Clone + Send + Sync + 'static>(host: &Arc<Host>, offered: Arc<Offered>) -> Router<S> {
    let site = Arc::new(Site {
        host: host.clone(),
        offered,
        board: Board::default(),
        streams: Arc::new(Semaphore::new(MAX_STREAMS)),
    });
    let inside = Router::new()
        .route("/", get(overview::show))
        .route("/events", get(events::stream_overview))
        .route("/scans", get(scans::show).post(new_scan::submit))
        .route("/scans/new", get(new_scan::show))
        .route("/scans/{task_id}", get(scan::show))
        .route("/scans/{task_id}/events", get(events::stream_scan))
        .route("/scans/{task_id}/cancel", post(actions::cancel))
        .route("/scans/{task_id}/delete", post(actions::delete))
        .route("/scans/{task_id}/report", get(download::report))
        .route("/scans/{task_id}/findings/{format}", get(download::findings))
        .route("/compare", get(compare::show))
        .route("/pools/{pool}/pause", post(actions::pause))
        .route("/pools/{pool}/resume", post(actions::resume))
        .route("/pools/{pool}/retry", post(actions::retry_dead_letters))
        .route("/logout", post(login::log_out))
        .fallback(trouble_page::not_found)
        .layer(middleware::from_fn_with_state(site.clone(), entrance::enter));
    Router::new()
        .route("/login", get(login::show).post(login::log_in))
        .route(static_files::STYLE, get(static_files::style))
        .route(static_files::SCRIPT, get(static_files::script))
        .route(static_files::ICON, get(static_files::icon))
        .merge(inside)
        .layer(middleware::map_response(guard))
        .with_state(site)
}

/// The content security policy: a browser loads nothing that does not come from this server, and shows no page inside
/// another one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    // A browser keeps no findings, unless a response says otherwise.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
