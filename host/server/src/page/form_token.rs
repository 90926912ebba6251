//! The token that a form carries, which only pages of the same login can know.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use scanhost_app::host::Host;

/// The field of the token.
pub const FIELD: &str = "form";

/// Whose forms those are that somebody fills in before they have logged in.
pub const STRANGER: &str = "login";

/// The token of the forms of this visitor.
pub fn token(host: &Host, visitor: &str) -> String {
    let token = host.sealer.keyed_hash(&[b"page form ".as_slice(), visitor.as_bytes()].concat());
    BASE64_URL_SAFE_NO_PAD.encode(token)
}
