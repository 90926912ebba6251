//! What a plugin may use. What is not granted is not linked, so a plugin cannot reach it.

/// A capability beyond a plugin's own world of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Requests to the scanner that a call is for.
    Http,
    /// The programs that the configuration names for the plugin.
    Command,
    /// Files, sockets and clocks as empty stubs, for languages whose runtimes import them.
    StdStubs,
}

impl Grant {
    pub const ALL: [Self; 3] = [Self::Http, Self::Command, Self::StdStubs];

    /// The name that the configuration uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Command => "command",
            Self::StdStubs => "std-stubs",
        }
    }

    /// The grant that an import needs.
    pub(crate) fn needed_for(import: &str) -> Option<Self> {
        let is_stub = ["wasi:clocks/", "wasi:filesystem/", "wasi:sockets/"];
        if import.starts_with("scanhost:backend/http@") {
            Some(Self::Http)
        } else if import.starts_with("scanhost:command/") {
            Some(Self::Command)
        } else if is_stub.iter().any(|package| import.starts_with(package)) {
            Some(Self::StdStubs)
        } else {
            None
        }
    }
}

/// What the operator grants; by default it is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    pub http: bool,
    pub command: bool,
    pub std_stubs: bool,
}

impl Grants {
    pub const ALL: Self = Self { http: true, command: true, std_stubs: true };

    pub fn has(self, grant: Grant) -> bool {
        match grant {
            Grant::Http => self.http,
            Grant::Command => self.command,
            Grant::StdStubs => self.std_stubs,
        }
    }

    #[must_use]
    pub fn with(self, grant: Grant) -> Self {
        match grant {
            Grant::Http => Self { http: true, ..self },
            Grant::Command => Self { command: true, ..self },
            Grant::StdStubs => Self { std_stubs: true, ..self },
        }
    }
}
