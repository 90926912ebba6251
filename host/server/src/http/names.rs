//! Checks the `Host` and the `Origin` of a request. Without this, any page could have its own name resolved to this
//! machine and read the answers of this server.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use scanhost_app::host::Host;

/// The names of this machine, which are always allowed.
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Which names of this server a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// The names of this machine and the address at which the server listens. A page that had its own name resolved to
    /// this machine is refused.
    Local(IpAddr),
    /// Any name, since the server listens for other machines and every request carries a token.
    Any,
}

impl Hosts {
    pub fn for_address(listen: IpAddr) -> Self {
        if listen.to_canonical().is_loopback() { Self::Local(listen.to_canonical()) } else { Self::Any }
    }

    /// Whether the name belongs to this machine.
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
    pub forms: Forms,
}

/// Whether a form may be sent from the name that the request itself uses, or from a page without a referrer, whose
/// `Origin` is `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forms {
    /// They are accepted, since the handler checks them by a token.
    Accepted,
    Refused,
}

/// Passes on a request with an allowed `Host` that comes from an allowed `Origin` or from no page.
pub async fn check(State(names): State<Names>, request: Request, next: Next) -> Response {
    match names.permit(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(reason) => (StatusCode::FORBIDDEN, reason).into_response(),
    }
}

impl Names {
    fn permit(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
        if [header::HOST, header::ORIGIN].into_iter().any(|name| headers.get_all(name).iter().count() > 1) {
            return Err("there are several Host or Origin headers: send at most one of each\n");
        }
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let is_own = |authority: &str| self.hosts.is_own(authority);
        let named = uri.authority().map(Authority::as_str).into_iter().chain(text(header::HOST));
        if self.hosts != Hosts::Any && !named.into_iter().all(is_own) {
            return Err(
                "the Host header names another server: use localhost or the address that scanhost listens on\n",
            );
        }
        // These are allowed beside the names of this machine, as browsers send them.
        let allowed = &self.host.snapshot.load().config.allowed_origins;
        let is_allowed = |origin: &str| {
            let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            let is_form = self.forms == Forms::Accepted
                && *method == Method::POST
                && (origin == "null" || authority.is_some() && authority == text(header::HOST));
            authority.is_some_and(is_own) || allowed.iter().any(|allowed| allowed == origin) || is_form
        };
        if text(header::ORIGIN).is_none_or(is_allowed) {
            Ok(())
        } else {
            Err("this Origin is not among `allowed_origins` in scanhost.yaml: add it there to permit it\n")
        }
    }
}
