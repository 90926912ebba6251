//! The server's name and version.

use rmcp::model::Implementation;

/// The server's name and version, as clients show them.
pub fn implementation() -> Implementation {
    Implementation::new("scanhost", env!("CARGO_PKG_VERSION")).with_title("scanhost")
}
