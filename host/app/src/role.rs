//! Which part of the work a process does, where several share one store.

/// The parts that a process has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Serves MCP and runs scans.
    #[default]
    All,
    /// Serves MCP; scans run elsewhere.
    Api,
    /// Runs scans; MCP is served elsewhere.
    Worker,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::All, Self::Api, Self::Worker];

    pub fn serves_mcp(self) -> bool {
        match self {
            Self::All | Self::Api => true,
            Self::Worker => false,
        }
    }

    pub fn runs_scans(self) -> bool {
        match self {
            Self::All | Self::Worker => true,
            Self::Api => false,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }
}
