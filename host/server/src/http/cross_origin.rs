//! What a browser wants to hear before a page may call us and read the answer. Only pages that were let in by their
//! `Origin` come here; the token is asked for all the same, but not of a browser that only asks whether it may call.

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE");

/// What MCP clients send beyond what any page may send.
const SENT: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, mcp-session-id, mcp-protocol-version, last-event-id, mcp-method, mcp-name, \
     traceparent, x-trace-id, x-idempotency-key",
);

/// What they read of an answer.
const READ: HeaderValue = HeaderValue::from_static("mcp-session-id, retry-after, www-authenticate");

/// Seconds for which a browser need not ask again. Every call is checked anew.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// Answers the question before a call, and passes all else on.
pub async fn answer(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let asks =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &origin {
        Some(_) if asks => {
            let allowed = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, SENT),
                (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
            ];
            (StatusCode::NO_CONTENT, allowed).into_response()
        }
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
    }
    response
}
