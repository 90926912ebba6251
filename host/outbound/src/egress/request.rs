//! What a plugin may ask for: relative paths and harmless headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use scanhost_sandbox::capability::{HttpError, Method, Request};
use url::Url;

/// Headers that only the host may set, or that change how a request is framed.
const FORBIDDEN: [&str; 16] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-api-key",
    "x-apikeys",
    "x-cookie",
    "x-forwarded-for",
];

fn denied(reason: impl Into<String>) -> HttpError {
    HttpError::Denied(reason.into())
}

/// Checks whether the host would send the request to the scanner at `base`.
pub fn permit(base: &Url, request: &Request) -> Result<(), HttpError> {
    address(base, &request.path)?;
    headers(request, &[]).map(drop)
}

/// The address of the path below `base`.
pub fn address(base: &Url, path: &str) -> Result<Url, HttpError> {
    let rest = path.strip_prefix('/').ok_or_else(|| denied("the path does not begin with `/`"))?;
    if rest.starts_with('/') {
        return Err(denied("the path begins with `//`"));
    }
    if path.contains('\\') || path.contains('#') || path.chars().any(char::is_control) {
        return Err(denied("the path has a backslash, a `#` or a control character"));
    }
    let before_query = path.split('?').next().unwrap_or_default();
    let is_up = |segment: &str| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == ".." || segment == "."
    };
    let encoded = before_query.to_ascii_lowercase();
    if before_query.split('/').any(is_up) || encoded.contains("%2f") || encoded.contains("%5c") {
        return Err(denied("the path has a segment `.` or `..`, or an encoded slash or backslash"));
    }
    let below = format!("{}{}", base.as_str().trim_end_matches('/'), path);
    let url = Url::parse(&below).map_err(|_| denied("the path cannot be part of an address"))?;
    // Catches what the checks above may have missed.
    let is_same = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default()
        && url.username() == base.username()
        && url.path().starts_with(base.path().trim_end_matches('/'));
    if is_same { Ok(url) } else { Err(denied("the path leads outside of the scanner's address")) }
}

/// The plugin's headers, if all of them are harmless. `own` are those that the host sets for this scanner.
pub fn headers(request: &Request, own: &[HeaderName]) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let bad = |what: &str| denied(format!("a header has an invalid {what}"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("name"))?;
        let value = HeaderValue::from_str(value).map_err(|_| bad("value"))?;
        if FORBIDDEN.contains(&name.as_str()) || name.as_str().starts_with("proxy-") || own.contains(&name) {
            return Err(denied(format!("only the host may set the header `{name}`")));
        }
        headers.append(name, value);
    }
    Ok(headers)
}

pub fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
        Method::Head => reqwest::Method::HEAD,
    }
}
