//! What all requests of the page share.

use std::sync::Arc;

use scanhost_app::host::Host;
use tokio::sync::Semaphore;

use super::board::Board;
use crate::mcp::Offered;

/// State that all requests of the page share.
pub struct Site {
    pub host: Arc<Host>,
    pub offered: Arc<Offered>,
    pub board: Board,
    pub streams: Arc<Semaphore>,
}
