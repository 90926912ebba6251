//! The scanner's words for where a scan stands, and what they come to.

#[cfg(test)]
mod tests;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Never launched, or launched a moment ago.
    Empty,
    /// On its way.
    Working,
    /// Launched, and about to end by itself or because it was told to.
    Ending,
    Completed,
    /// Ended without a report that counts; why.
    Failed(&'static str),
    /// A word that no version has used so far.
    Unknown,
}

impl Phase {
    pub fn of(status: &str) -> Self {
        match status {
            "empty" => Self::Empty,
            "pending" | "running" | "pausing" | "paused" | "resuming" | "initializing" | "processing" => Self::Working,
            "publishing" | "stopping" | "canceling" => Self::Ending,
            "completed" | "imported" => Self::Completed,
            "canceled" => Self::Failed("the scan was cancelled at the scanner"),
            "stopped" => Self::Failed("the scan was stopped at the scanner"),
            "aborted" => Self::Failed("the scanner aborted the scan"),
            _ => Self::Unknown,
        }
    }
}
