//! The token that a form carries, which only pages of the same login know.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use scanhost_app::host::Host;

/// The name of the form field with the token.
pub const FIELD: &str = "form";

/// The visitor name in the token of the login form, which belongs to no login yet.
pub const BEFORE_LOGIN: &str = "login";

/// Makes the token for the forms of a visitor.
pub fn token(host: &Host, visitor: &str) -> String {
    let token = host.sealer.keyed_hash(&[b"page form ".as_slice(), visitor.as_bytes()].concat());
    BASE64_URL_SAFE_NO_PAD.encode(token)
}
