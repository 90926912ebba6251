//! The HTTP server: `/mcp`, `/health`, `/ready`, `/metrics`, the page for people, and authentication.

mod bearer;
mod body;
mod connection;
mod cross_origin;
mod names;
mod requests;
mod stream;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::get,
};
use scanhost_app::{
    access::{Access, RetryAfter},
    audit::Entry,
    host::Host,
    plugins::{Origin, Plugin},
    reloads::LastReload,
    scrape,
};
use scanhost_domain::{breaker::Circuit, ids::ScannerId};
use serde_json::{Value, json};

pub use bearer::BearerToken;

use crate::{
    mcp::{self, Offer, Offered, transport},
    page,
};
use requests::routes;

pub use connection::serve;

/// Makes the router with all routes.
pub fn router(host: &Arc<Host>, listen: SocketAddr, offer: &Offer) -> Router {
    let mut router = Router::new().route("/ready", get(ready)).route("/metrics", get(metrics));
    let offered = Arc::new(Offered::new(host.clone(), offer.clone()));
    if host.role.serves_mcp() {
        router = transport::mount(router, host, &offered);
    }
    let names = names::Names {
        hosts: names::Hosts::for_address(listen.ip()),
        host: host.clone(),
        forms: names::Forms::Refused,
    };
    router = router
        .layer(middleware::from_fn_with_state(body::Bodies::new(host.clone()), body::bound))
        .layer(middleware::from_fn_with_state(host.clone(), authenticate))
        .layer(middleware::from_fn(cross_origin::answer))
        .layer(middleware::from_fn_with_state(names.clone(), names::check));
    if host.role.serves_mcp() {
        // The page has its own login and its own error pages, also for unknown paths.
        let names = names::Names { forms: names::Forms::Accepted, ..names };
        let page = page::router(host, offered).layer(middleware::from_fn_with_state(names, names::check));
        router = page.merge(router);
    }
    router
        .route("/health", get(|| async { "ok\n" }))
        .layer(middleware::from_fn_with_state(host.clone(), requests::count))
        .with_state(host.clone())
}

/// Lets a request in with a valid token, or without one where no tokens are configured.
async fn authenticate(State(host): State<Arc<Host>>, request: Request, next: Next) -> Response {
    let snapshot = host.snapshot.load_full();
    let tokens = &snapshot.config.tokens;
    let bearer = BearerToken::from_headers(request.headers());
    if tokens.is_empty() {
        let response = admit(&host, Access::everything(), request, next).await;
        return stream::while_authorized(&host, bearer, response);
    }
    match bearer.as_ref().and_then(|bearer| bearer.find_in(tokens)) {
        Some(token) => {
            let response = admit(&host, token.into(), request, next).await;
            stream::while_authorized(&host, bearer, response)
        }
        // Without a token /ready tells its status. A wrong token is an attempt to get in.
        None if request.uri().path() == "/ready" && bearer.is_none() => {
            let (code, ready) = readiness(&host).await;
            (code, Json(json!({ "status": ready["status"] }))).into_response()
        }
        None => {
            host.metrics.refused_login();
            tracing::warn!(path = request.uri().path(), "a request without a valid token");
            note_unauthenticated(&host, &request);
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"scanhost\"")];
            (
                StatusCode::UNAUTHORIZED,
                challenge,
                "a valid token is required: send it as `Authorization: Bearer TOKEN`\n",
            )
                .into_response()
        }
    }
}

/// Records a request of an unauthenticated caller in the audit log.
fn note_unauthenticated(host: &Host, request: &Request) {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    host.audit.note(Entry {
        peer: peer.map(|ConnectInfo(peer)| peer.to_string()),
        ..Entry::new("nobody", "http", request.uri().path(), "unauthorized")
    });
}

/// Passes the request on in its caller's name, unless the caller has reached its limit of requests.
async fn admit(host: &Host, access: Access, mut request: Request, next: Next) -> Response {
    let limits = host.snapshot.load().config.limits.calls;
    if let Err(too_much) = host.callers.permit_request(&access.name, limits) {
        tracing::debug!(token = access.name, "a caller sends more requests than its limit");
        let retry_after = [(header::RETRY_AFTER, too_much.retry_after_seconds().to_string())];
        return (StatusCode::TOO_MANY_REQUESTS, retry_after, format!("{too_much}: send fewer requests\n"))
            .into_response();
    }
    let refused = RetryAfter::default();
    request.extensions_mut().insert(refused.clone());
    request.extensions_mut().insert(access);
    let mut response = next.run(request).await;
    // The head of a stream is sent before its call is judged. There the hint in the answer says when to retry.
    if let Some(seconds) = refused.seconds() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

async fn metrics(State(host): State<Arc<Host>>) -> Response {
    ([(header::CONTENT_TYPE, scrape::MEDIA_TYPE)], scrape::text(&host, mcp::tool_names(), routes()).await)
        .into_response()
}

async fn ready(State(host): State<Arc<Host>>) -> Response {
    let (code, ready) = readiness(&host).await;
    (code, Json(ready)).into_response()
}

/// The state of each part of this host, and the status code that follows from them.
async fn readiness(host: &Arc<Host>) -> (StatusCode, Value) {
    // Read before the snapshot, so that the snapshot is at least as new.
    let last_reload = host.reloads.last();
    let snapshot = host.snapshot.load_full();
    let store = host.settings.probe().await;
    let reports = host.scanner_reports.scanner_reports().await;
    let report = |id: &ScannerId| reports.iter().flatten().find(|(scanner, _)| scanner == id).map(|(_, report)| report);
    let disk = host.probe_folder().await.map_err(|error| error.to_string());
    let scanners: Vec<Value> = snapshot
        .scanners
        .iter()
        .map(|scanner| {
            let report = report(&scanner.id);
            json!({
                "pool": scanner.id.pool.as_str(), "instance_id": scanner.id.instance.as_str(),
                "enabled": scanner.config.enabled, "up": report.map(|report| report.up),
                "circuit": report.map_or(Circuit::Closed, |report| report.circuit).name(),
                "message": report.map(|report| report.message.as_str()),
            })
        })
        .collect();
    let plugins: Vec<Value> = snapshot.plugins.iter().map(|plugin| plugin_entry(host, plugin)).collect();
    let is_quarantined = |plugin: &&Arc<Plugin>| host.faults.remaining_quarantine(plugin.digest()).is_some();
    let quarantined: Vec<&Arc<Plugin>> = snapshot.plugins.iter().filter(is_quarantined).collect();
    let built_ins_work = quarantined.iter().all(|plugin| plugin.origin != Origin::BuiltIn);
    let doubt = host.orphans.doubt().map(|doubt| doubt.reason);
    let emptied = host.store_watch.emptied();
    let (risks, clock) = (host.store_watch.risks(), host.store_watch.clock_problem());
    let store = store.map_err(|error| error.to_string()).and_then(|()| emptied.map_or(Ok(()), Err));
    let is_leaving = host.leaving.is_cancelled() || host.shutdown.is_cancelled();
    let is_able = store.is_ok() && disk.is_ok() && built_ins_work && !is_leaving;
    let is_up = |id: &ScannerId| report(id).is_some_and(|report| report.up && report.circuit == Circuit::Closed);
    let is_degraded = snapshot.scanners.iter().any(|scanner| scanner.config.enabled && !is_up(&scanner.id))
        || !last_reload.problems.is_empty()
        || !quarantined.is_empty()
        || doubt.is_some()
        || clock.is_some()
        || !risks.is_empty();
    let part = |result: Result<(), String>| match result {
        Ok(()) => json!({ "ok": true }),
        Err(error) => json!({ "ok": false, "message": error }),
    };
    let mut store_part = part(store);
    if !risks.is_empty() {
        store_part["risks"] = json!(risks);
    }
    let body = json!({
        "status": if is_leaving { "shutting down" } else if !is_able { "unavailable" } else if is_degraded { "degraded" } else { "ready" },
        "store": store_part,
        "clock": part(clock.map_or(Ok(()), Err)),
        "disk": part(disk),
        "trust": part(doubt.map_or(Ok(()), Err)),
        "scanners": scanners,
        "plugins": plugins,
        "last_reload": reload_entry(&last_reload, snapshot.generation),
    });
    (if is_able { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, body)
}

fn plugin_entry(host: &Host, plugin: &Plugin) -> Value {
    let rest = host.faults.remaining_quarantine(plugin.digest());
    let message = rest.map(|rest| format!("the plugin failed too often and is in quarantine for {} s", rest.as_secs()));
    json!({
        "name": plugin.name, "kind": plugin.kind(), "world": plugin.world(), "digest": plugin.digest().to_string(),
        "generation": plugin.generation, "ok": rest.is_none(), "message": message,
    })
}

/// `generation` is the generation in use, also when a later reload failed.
fn reload_entry(last: &LastReload, generation: u64) -> Value {
    let problems: Vec<Value> = last
        .problems
        .iter()
        .map(|problem| json!({ "source": problem.file, "key": problem.key, "message": problem.to_string() }))
        .collect();
    let outcome = if problems.is_empty() { "ok" } else { "failed" };
    json!({
        "generation": generation, "outcome": outcome, "ok": problems.is_empty(), "at": last.at,
        "took_ms": last.took.as_millis() as u64, "problems": problems,
        "count": { "ok": last.succeeded, "failed": last.failed },
    })
}
