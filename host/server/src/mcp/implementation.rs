//! What this server calls itself.

use rmcp::model::Implementation;

/// Its name and version, as clients show them.
pub fn implementation() -> Implementation {
    Implementation::new("scanhost", env!("CARGO_PKG_VERSION")).with_title("scanhost")
}
