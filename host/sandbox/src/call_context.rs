//! What a backend is given with every call on a scanner.

/// What every call on a scanner gets.
#[derive(Clone, Debug)]
pub struct CallContext {
    pub now: jiff::Timestamp,
    /// A JSON object.
    pub options: String,
    /// What the last call for this scan returned.
    pub state: Vec<u8>,
    /// The id of this installation, which remote scans carry in their marker.
    pub installation: String,
}
