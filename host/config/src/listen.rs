//! The address that the server listens on, and the origins that it allows.

use std::net::SocketAddr;

use super::setting::Setting;

/// An address beyond loopback in a configuration without tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("listening on {0}, beyond loopback, needs `tokens`: configure a token, or listen on 127.0.0.1")]
pub struct Exposed(pub SocketAddr);

pub(super) fn permit(address: SocketAddr, has_tokens: bool) -> Result<SocketAddr, Exposed> {
    if has_tokens || is_loopback(address) { Ok(address) } else { Err(Exposed(address)) }
}

pub(super) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

pub(super) fn address(setting: &Setting<'_>) -> Option<SocketAddr> {
    let text = setting.text()?;
    setting.check(text.parse().map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8836 or [::1]:8836"))
}

/// An origin as browsers send it: scheme, host and, unless it is the usual one, port.
pub(super) fn origin(setting: &Setting<'_>) -> Option<String> {
    let text = setting.text()?;
    let is_bare = |url: &url::Url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    match url::Url::parse(text).ok().filter(is_bare) {
        Some(url) => Some(url.origin().ascii_serialization()),
        None => {
            setting.report("must be an origin, such as https://tools.example or http://10.0.0.5:3000");
            None
        }
    }
}
