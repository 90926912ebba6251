//! The state that all requests to the page share.

use std::sync::Arc;

use scanhost_app::host::Host;
use tokio::sync::Semaphore;

use super::board::Board;
use crate::mcp::Offered;

/// The state that all requests to the page share.
pub struct Site {
    pub host: Arc<Host>,
    pub offered: Arc<Offered>,
    pub board: Board,
    pub streams: Arc<Semaphore>,
}
