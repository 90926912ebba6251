//! Errors of findings on disk.

use std::io;

/// Why findings cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("the findings cannot be read")]
    Io(#[from] io::Error),
    /// The findings can be made again from the native report.
    #[error("the findings are damaged: {0}")]
    Damaged(String),
}
