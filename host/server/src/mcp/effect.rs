//! The effect of a tool, as its annotations declare it.

use rmcp::model::ToolAnnotations;

/// The effect of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Reads,
    /// Sends traffic to other people's machines.
    Scans,
    /// Removes or ends something; calling it twice is the same as once.
    Destroys,
}

impl Effect {
    pub fn annotations(self) -> ToolAnnotations {
        let (read_only, destructive, idempotent, open_world) = match self {
            Self::Reads => (true, false, true, false),
            Self::Scans => (false, false, false, true),
            Self::Destroys => (false, true, true, false),
        };
        ToolAnnotations::from_raw(None, Some(read_only), Some(destructive), Some(idempotent), Some(open_world))
    }
}
