//! Who asks, what that caller may do, and how much of it: a token's name, its scopes, its rate.

mod rate;

#[cfg(test)]
mod tests;

pub use rate::{Callers, Permit, TooMuch};

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use scanhost_config::{Scope, Token};

/// What a caller may do; everything where no tokens are configured.
#[derive(Clone, Debug)]
pub struct Access {
    /// The token's name, for the log.
    pub name: String,
    pub scopes: Vec<Scope>,
}

impl Access {
    pub fn everything() -> Self {
        Self { name: "anyone".into(), scopes: Scope::ALL.to_vec() }
    }

    /// What a caller of this name may do now: nothing, once its token is gone.
    pub fn now(name: &str, tokens: &[Token]) -> Self {
        if tokens.is_empty() {
            return Self::everything();
        }
        let token = tokens.iter().find(|token| token.name == name);
        token.map_or_else(|| Self { name: name.to_owned(), scopes: Vec::new() }, Self::from)
    }

    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

impl From<&Token> for Access {
    fn from(token: &Token) -> Self {
        Self { name: token.name.clone(), scopes: token.scopes.iter().copied().collect() }
    }
}

/// What a refused call leaves for the header `Retry-After` of its answer; on the way into a request's extensions.
#[derive(Clone, Debug, Default)]
pub struct RetryAfter(Arc<AtomicU64>);

impl RetryAfter {
    pub fn set(&self, too_much: TooMuch) {
        self.0.store(too_much.retry_after_seconds(), Ordering::Relaxed);
    }

    /// Whole seconds; none when nothing was refused.
    pub fn seconds(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }
}
