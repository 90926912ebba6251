//! Access to the page: without configured tokens it is open to everybody; else a request needs a login or a bearer token.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use scanhost_app::{access::Access, refusal::Refusal};
use scanhost_config::Scope;

use super::{
    login,
    session::{self, SessionId},
    site::Site,
    trouble::Trouble,
    visitor::{Visitor, note_unauthenticated},
};
use crate::http::BearerToken;

/// Passes a request on with its visitor, or answers with the login page.
pub async fn enter(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let visitor = match identify(&site, &parts).await {
        Ok(Some(visitor)) => visitor,
        Ok(None) => return login::ask(&site, &parts),
        Err(trouble) => return trouble.for_unauthenticated(),
    };
    let limits = site.host.snapshot.load().config.limits.calls;
    if let Err(too_much) = site.host.callers.permit_request(visitor.name(), limits) {
        return Trouble::from(Refusal::from(too_much)).for_visitors(&visitor);
    }
    if !visitor.may(Scope::Read) && parts.uri.path() != "/logout" {
        return Trouble::Scope(Scope::Read).for_visitors(&visitor);
    }
    parts.extensions.insert(visitor);
    next.run(Request::from_parts(parts, body)).await
}

async fn identify(site: &Arc<Site>, request: &Parts) -> Result<Option<Visitor>, Trouble> {
    let snapshot = site.host.snapshot.load_full();
    let tokens = &snapshot.config.tokens;
    let visitor = |access, session| Some(Visitor::new(site.clone(), access, session, &request.extensions));
    if tokens.is_empty() {
        return Ok(visitor(Access::everything(), None));
    }
    if let Some(bearer) = BearerToken::from_headers(&request.headers) {
        let token = bearer.find_in(tokens);
        if token.is_none() {
            note_unauthenticated(&site.host, &request.extensions, request.uri.path());
        }
        return Ok(token.and_then(|token| visitor(token.into(), None)));
    }
    let Some(id) = SessionId::from_cookie(&site.host, &request.headers) else { return Ok(None) };
    let token = session::resume(&site.host, tokens, &id).await.map_err(Refusal::from)?;
    Ok(token.and_then(|token| visitor(token.into(), Some(id))))
}
