//! The scanner's words for the state of a scan, and what they mean.

#[cfg(test)]
mod tests;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The scan was never launched, or was launched a moment ago.
    Empty,
    /// The scan is running, or about to run.
    Working,
    /// The scan is about to end, by itself or because it was stopped.
    Ending,
    Completed,
    /// The scan ended without a usable report, for this reason.
    Failed(&'static str),
    /// The word is not known.
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
