//! What a request shows to be let in.

use axum::http::{HeaderMap, header};
use scanhost_config::Token;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The digest of a bearer token.
pub struct Given([u8; 32]);

impl Given {
    /// None where a request gives none.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let (kind, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        kind.eq_ignore_ascii_case("bearer").then(|| Self::text(token))
    }

    /// What was given in another way.
    pub fn text(token: &str) -> Self {
        Self(Sha256::digest(token.trim()).into())
    }

    /// Compares with every token, in the same time whichever it is.
    pub fn find<'a>(&self, tokens: &'a [Token]) -> Option<&'a Token> {
        // All of them, so that the place of a match does not show.
        let is_given = |token: &Token| bool::from(token.digest().ct_eq(&self.0));
        tokens.iter().fold(None, |found, token| if is_given(token) { Some(token) } else { found })
    }
}
