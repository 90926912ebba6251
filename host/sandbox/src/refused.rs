//! Explains why a component is not loaded, and what to do about it.

use std::fmt;

use scanhost_domain::error_chain::chain;

use crate::{Fault, Grant, LoadError};

/// Why a component is not loaded, and what to do about it.
#[derive(Debug)]
pub struct Refused {
    pub reason: String,
    pub hint: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, ": {hint}"))
    }
}

impl From<LoadError> for Refused {
    fn from(error: LoadError) -> Self {
        Self { reason: chain(&error), hint: Some(hint(&error)) }
    }
}

impl Refused {
    /// A refusal that explains itself.
    pub fn because(reason: String) -> Self {
        Self { reason, hint: None }
    }
}

/// Grants as the configuration writes them.
pub fn list(grants: &[Grant]) -> String {
    grants.iter().map(|grant| grant.name()).collect::<Vec<_>>().join(", ")
}

/// What the operator or the author can do about the error.
fn hint(error: &LoadError) -> String {
    match error {
        LoadError::NotAComponent(_) => "build it as a component, in Rust with `cargo build --target wasm32-wasip2`; \
             `scanhost plugin new` makes a plugin that is one"
            .into(),
        LoadError::ForeignWorld { .. } => {
            "a backend exports scanhost:backend/scanner and scanhost:backend/reader, a profile \
             scanhost:profile/planner; `scanhost plugin new` makes either"
                .into()
        }
        LoadError::Version { .. } => {
            "build it against a world that this host takes, which `scanhost plugin new` writes, or use a scanhost \
             that takes its own"
                .into()
        }
        LoadError::World { .. } => "build it against the world of this host, which `scanhost plugin new` writes".into(),
        LoadError::NotGranted { requested, .. } => {
            format!("grant it with `grants: [{}]` in its entry under `plugins` in scanhost.yaml", list(requested))
        }
        LoadError::Describe(Fault::Contract(_) | Fault::Crash(_)) => "ask its author to fix it".into(),
        LoadError::Describe(_) => {
            "ask its author to fix it; if it only needs more time or memory, raise its `limits` in scanhost.yaml".into()
        }
    }
}
