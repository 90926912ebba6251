//! What a plugin may use. What is not granted is not linked, so there is nothing to get around.

/// Capabilities beyond a plugin's own world of values. Nothing is granted by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Requests to the scanner that a call is for.
    pub http: bool,
}

impl Grants {
    /// The grant that an import needs, by the name that the configuration uses.
    pub(crate) fn needed_for(import: &str) -> Option<&'static str> {
        import.starts_with("scanhost:backend/http@").then_some("http")
    }

    pub(crate) fn has(self, grant: &str) -> bool {
        grant == "http" && self.http
    }
}
