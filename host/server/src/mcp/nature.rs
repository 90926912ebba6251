//! What a tool does to the world, as its annotations say it.

use rmcp::model::ToolAnnotations;

/// What a call does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Changes nothing.
    Reads,
    /// Sends traffic to other people's machines.
    Scans,
    /// Takes something away; twice is the same as once.
    Destroys,
}

impl Nature {
    pub fn annotations(self) -> ToolAnnotations {
        let (read_only, destructive, idempotent, open_world) = match self {
            Self::Reads => (true, false, true, false),
            Self::Scans => (false, false, false, true),
            Self::Destroys => (false, true, true, false),
        };
        ToolAnnotations::from_raw(None, Some(read_only), Some(destructive), Some(idempotent), Some(open_world))
    }
}
