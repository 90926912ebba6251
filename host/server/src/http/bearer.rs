//! The bearer token of a request.

use axum::http::{HeaderMap, header};
use scanhost_config::Token;
use scanhost_system::clock;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A bearer token, kept as its digest.
pub struct BearerToken([u8; 32]);

impl BearerToken {
    /// Reads the token from the `Authorization` header, if there is one.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let (kind, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        kind.eq_ignore_ascii_case("bearer").then(|| Self::from_text(token))
    }

    /// Takes a token that came in another way.
    pub fn from_text(token: &str) -> Self {
        Self(Sha256::digest(token.trim()).into())
    }

    /// Finds the configured token that this is, in a time that does not depend on which one it is.
    pub fn find_in<'a>(&self, tokens: &'a [Token]) -> Option<&'a Token> {
        // All of them are compared, so that the time does not show where the match is.
        let now = clock::now();
        let is_this =
            |token: &Token| token.digests(now).fold(false, |found, digest| found | bool::from(digest.ct_eq(&self.0)));
        tokens.iter().fold(None, |found, token| if is_this(token) { Some(token) } else { found })
    }
}
