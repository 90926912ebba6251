//! The phase of a running scan: how far it has come at its scanner. Each phase is stored before the call that it
//! announces.

use std::fmt;

/// A phase of a running scan. In a phase whose name ends in `ing`, the announced call may or may not have been made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    Claimed,
    Creating,
    Created {
        remote_id: String,
    },
    Launching {
        remote_id: String,
    },
    Launched {
        remote_id: String,
    },
    /// `fetches` counts the reports that were downloaded completely but could not be read.
    Exporting {
        remote_id: String,
        fetches: u8,
    },
    Ingesting {
        remote_id: String,
        fetches: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PhaseName {
    Claimed,
    Creating,
    Created,
    Launching,
    Launched,
    Exporting,
    Ingesting,
}

impl Phase {
    pub fn name(&self) -> PhaseName {
        match self {
            Self::Claimed => PhaseName::Claimed,
            Self::Creating => PhaseName::Creating,
            Self::Created { .. } => PhaseName::Created,
            Self::Launching { .. } => PhaseName::Launching,
            Self::Launched { .. } => PhaseName::Launched,
            Self::Exporting { .. } => PhaseName::Exporting,
            Self::Ingesting { .. } => PhaseName::Ingesting,
        }
    }

    pub fn remote_id(&self) -> Option<&str> {
        match self {
            Self::Claimed | Self::Creating => None,
            Self::Created { remote_id }
            | Self::Launching { remote_id }
            | Self::Launched { remote_id }
            | Self::Exporting { remote_id, .. }
            | Self::Ingesting { remote_id, .. } => Some(remote_id),
        }
    }
}

impl PhaseName {
    pub const ALL: [PhaseName; 7] = [
        Self::Claimed,
        Self::Creating,
        Self::Created,
        Self::Launching,
        Self::Launched,
        Self::Exporting,
        Self::Ingesting,
    ];

    /// Returns whether `next` may follow: it is one step forward, or back to `Exporting` for a malformed report.
    pub fn may_become(self, next: PhaseName) -> bool {
        match next {
            Self::Claimed => false,
            Self::Creating => self == Self::Claimed,
            Self::Created => self == Self::Creating,
            Self::Launching => self == Self::Created,
            Self::Launched => self == Self::Launching,
            Self::Exporting => matches!(self, Self::Launched | Self::Ingesting),
            Self::Ingesting => self == Self::Exporting,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Launching => "launching",
            Self::Launched => "launched",
            Self::Exporting => "exporting",
            Self::Ingesting => "ingesting",
        }
    }
}

impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
