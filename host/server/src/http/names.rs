//! The names under which a page in a browser may reach us, and the pages that may: without this, any page could have
//! its own name resolved to this machine and read what we answer.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{
    host::Host,
    mcp::transport::{Hosts, LOCAL_HOSTS},
};

#[derive(Clone)]
pub struct Names {
    pub hosts: Hosts,
    pub host: Arc<Host>,
    /// Whether forms are taken from the name that the request itself uses, and from those that do not tell theirs, as
    /// pages without a referrer. Whoever takes one checks it in another way.
    pub takes_forms: bool,
}

/// Passes on requests under a name of ours and from a page of ours, or from no page.
pub async fn check(State(names): State<Names>, request: Request, next: Next) -> Response {
    match names.permit(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(reason) => (StatusCode::FORBIDDEN, reason).into_response(),
    }
}

impl Names {
    fn permit(&self, method: &Method, headers: &HeaderMap) -> Result<(), &'static str> {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        if self.hosts == Hosts::Local && !text(header::HOST).is_none_or(is_local) {
            return Err("the Host header names another server\n");
        }
        // Beside those of this machine, as browsers send them.
        let allowed = &self.host.snapshot.load().config.allowed_origins;
        let is_ours = |origin: &str| {
            let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            let is_form = self.takes_forms
                && *method == Method::POST
                && (origin == "null" || authority.is_some() && authority == text(header::HOST));
            authority.is_some_and(is_local) || allowed.iter().any(|allowed| allowed == origin) || is_form
        };
        if text(header::ORIGIN).is_none_or(is_ours) {
            Ok(())
        } else {
            Err("this Origin is not among allowed_origins\n")
        }
    }
}

fn is_local(authority: &str) -> bool {
    let authority = authority.parse::<Authority>();
    authority.is_ok_and(|authority| LOCAL_HOSTS.iter().any(|host| authority.host().eq_ignore_ascii_case(host)))
}
