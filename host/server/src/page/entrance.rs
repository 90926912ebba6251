//! Who gets in: everybody where there are no tokens; else who logged in, or shows a token as programs do.

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
    page_request::{Visit, note_stranger},
    session::{self, SessionId},
    site::Site,
    trouble::Trouble,
};
use crate::http::Given;

/// Lets somebody in, or asks who they are.
pub async fn enter(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let visit = match recognise(&site, &parts).await {
        Ok(Some(visit)) => visit,
        Ok(None) => return login::ask(&site, &parts),
        Err(trouble) => return trouble.for_strangers(),
    };
    let limits = site.host.snapshot.load().config.limits.calls;
    if let Err(too_much) = site.host.callers.permit_request(visit.name(), limits) {
        return Trouble::from(Refusal::from(too_much)).for_visitors(&visit);
    }
    if !visit.may(Scope::Read) && parts.uri.path() != "/logout" {
        return Trouble::Scope(Scope::Read).for_visitors(&visit);
    }
    parts.extensions.insert(visit);
    next.run(Request::from_parts(parts, body)).await
}

async fn recognise(site: &Arc<Site>, request: &Parts) -> Result<Option<Visit>, Trouble> {
    let snapshot = site.host.snapshot.load_full();
    let tokens = &snapshot.config.tokens;
    let visit = |access, session| Some(Visit::new(site.clone(), access, session, &request.extensions));
    if tokens.is_empty() {
        return Ok(visit(Access::everything(), None));
    }
    if let Some(given) = Given::of(&request.headers) {
        let token = given.find(tokens);
        if token.is_none() {
            note_stranger(&site.host, &request.extensions, request.uri.path());
        }
        return Ok(token.and_then(|token| visit(token.into(), None)));
    }
    let Some(id) = SessionId::of(&site.host, &request.headers) else { return Ok(None) };
    let token = session::resume(&site.host, tokens, &id).await.map_err(Refusal::from)?;
    Ok(token.and_then(|token| visit(token.into(), Some(id))))
}
