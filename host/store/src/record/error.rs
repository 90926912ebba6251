//! Records that cannot be read.

use scanhost_domain::ids::Malformed;

/// The form that is written now.
pub(super) const VERSION: u32 = 1;

/// A stored record that is not a scan.
#[derive(Debug, thiserror::Error)]
pub enum BadRecord {
    #[error("the stored scan is not valid JSON for a scan")]
    Json(#[from] serde_json::Error),
    #[error("the stored scan has version {0}, but this program reads versions up to {VERSION}")]
    Version(u32),
    #[error("the stored scan has an invalid {0}")]
    Value(&'static str),
}

impl From<Malformed> for BadRecord {
    fn from(malformed: Malformed) -> Self {
        Self::Value(malformed.what)
    }
}
