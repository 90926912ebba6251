//! How a call of a guest can go wrong, and why a component is not loaded.

use std::time::Duration;

use crate::{
    grant::Grant,
    world::{World, supported},
};

/// A guest's failure to answer. An answer that is an error is not a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("used more than its limit of {} ms of CPU time", .0.as_millis())]
    Cpu(Duration),
    #[error("gave no answer within {} s", .0.as_secs_f64())]
    Wall(Duration),
    #[error("needed more than its limit of {} MiB of memory", .0 >> 20)]
    Memory(usize),
    #[error("crashed: {0}")]
    Crash(String),
    #[error("broke the contract: {0}")]
    Contract(String),
    #[error("cannot be called now: all {0} slots for plugin calls are in use")]
    Busy(usize),
    #[error("has failed too often and is in quarantine for {} s", .0.as_secs())]
    Quarantined(Duration),
}

impl Fault {
    /// The names of all kinds.
    pub const KINDS: [&'static str; 7] = ["cpu", "wall", "memory", "crash", "contract", "busy", "quarantined"];

    /// The name for logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Wall(_) => "wall",
            Self::Memory(_) => "memory",
            Self::Crash(_) => "crash",
            Self::Contract(_) => "contract",
            Self::Busy(_) => "busy",
            Self::Quarantined(_) => "quarantined",
        }
    }
}

/// Why a component is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("not a WebAssembly component: {0}")]
    NotAComponent(String),
    #[error("it is a component of another world: it exports {}", listed(exports))]
    ForeignWorld { exports: Vec<String> },
    #[error("it was built for `{found}`, but this host supports {}", supported(found))]
    Version { found: String },
    #[error("does not fit the world `{world}`: {reason}")]
    World { world: World, reason: String },
    #[error("it needs the grant `{}`, which it was not given", missing.name())]
    NotGranted { missing: Grant, requested: Vec<Grant> },
    #[error("its `describe` failed")]
    Describe(#[source] Fault),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}
