//! The names under which a page in a browser may reach us, and the pages that may: without this, any page could have
//! its own name resolved to this machine and read what we answer.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use scanhost_app::host::Host;

/// Names of this machine, which are always let in.
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Which names of this server a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Those of this machine, and the address at which the server listens: a page in a browser that had its name
    /// resolved to it is refused.
    Local(IpAddr),
    /// Any: the server listens for other machines, and every request carries a token.
    Any,
}

impl Hosts {
    pub fn of(listen: IpAddr) -> Self {
        if listen.to_canonical().is_loopback() { Self::Local(listen.to_canonical()) } else { Self::Any }
    }

    /// Whether the name is this machine's.
    fn is_own(self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else { return false };
        let name = authority.host();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_listening =
            |address: IpAddr| matches!(self, Self::Local(listening) if listening == address.to_canonical());
        LOCAL_HOSTS.iter().any(|host| name.eq_ignore_ascii_case(host)) || address.is_ok_and(is_listening)
    }
}

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
    match names.permit(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(reason) => (StatusCode::FORBIDDEN, reason).into_response(),
    }
}

impl Names {
    fn permit(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
        if [header::HOST, header::ORIGIN].into_iter().any(|name| headers.get_all(name).iter().count() > 1) {
            return Err("there are several Host or Origin headers\n");
        }
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let is_own = |authority: &str| self.hosts.is_own(authority);
        let named = uri.authority().map(Authority::as_str).into_iter().chain(text(header::HOST));
        if self.hosts != Hosts::Any && !named.into_iter().all(is_own) {
            return Err("the Host header names another server\n");
        }
        // Beside those of this machine, as browsers send them.
        let allowed = &self.host.snapshot.load().config.allowed_origins;
        let is_ours = |origin: &str| {
            let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            let is_form = self.takes_forms
                && *method == Method::POST
                && (origin == "null" || authority.is_some() && authority == text(header::HOST));
            authority.is_some_and(is_own) || allowed.iter().any(|allowed| allowed == origin) || is_form
        };
        if text(header::ORIGIN).is_none_or(is_ours) {
            Ok(())
        } else {
            Err("this Origin is not among allowed_origins\n")
        }
    }
}
