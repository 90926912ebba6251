//! The owner of a session of the older era. The session's id ends, as clients see it, in a seal over its owner's name,
//! so that every process can tell without looking anything up. To anyone else it is a session that never was.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::HeaderValue,
    middleware::Next,
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use scanhost_app::{access::Access, host::Host};
use subtle::ConstantTimeEq as _;

const HEADER: &str = "mcp-session-id";

/// An id that no session has.
const UNKNOWN: HeaderValue = HeaderValue::from_static("unknown");

/// Between the id and the seal; in neither of them.
const SEPARATOR: char = '.';

/// Lets a request into a session only if the session belongs to its caller.
pub async fn check(State(host): State<Arc<Host>>, mut request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Access>().map(|access| access.name.clone()).unwrap_or_default();
    if let Some(shown) = request.headers().get(HEADER) {
        let own = own(&host, &caller, shown).unwrap_or(UNKNOWN);
        // This replaces all headers of that name.
        request.headers_mut().insert(HEADER, own);
    }
    let mut response = next.run(request).await;
    if let Some(shown) = response.headers().get(HEADER).and_then(|id| show(&host, &caller, id)) {
        response.headers_mut().insert(HEADER, shown);
    }
    response
}

/// Returns the id without the seal, or `None` if the seal is not over this caller's name.
fn own(host: &Host, caller: &str, shown: &HeaderValue) -> Option<HeaderValue> {
    let (id, given) = shown.to_str().ok()?.rsplit_once(SEPARATOR)?;
    let is_own = bool::from(seal(host, caller, id).as_bytes().ct_eq(given.as_bytes()));
    is_own.then(|| HeaderValue::from_str(id).ok()).flatten()
}

fn show(host: &Host, caller: &str, id: &HeaderValue) -> Option<HeaderValue> {
    let id = id.to_str().ok()?;
    HeaderValue::from_str(&format!("{id}{SEPARATOR}{}", seal(host, caller, id))).ok()
}

fn seal(host: &Host, caller: &str, id: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(host.sealer.keyed_hash(format!("session {id} of {caller}").as_bytes()))
}
