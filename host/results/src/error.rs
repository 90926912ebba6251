//! What goes wrong with findings on disk.

use std::io;

/// Findings that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("the findings cannot be read")]
    Io(#[from] io::Error),
    /// They can be had again from the native report.
    #[error("the findings are damaged: {0}")]
    Damaged(String),
}
