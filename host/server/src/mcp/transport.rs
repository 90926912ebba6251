//! The ways in: Streamable HTTP as a tower service, and stdio.

use std::{sync::Arc, time::Duration};

use rmcp::{
    ServiceExt as _,
    service::ServerInitializeError,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService,
        session::local::{LocalSessionManager, SessionConfig},
    },
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::{
    handler::{McpServer, Offered},
    measured::Measured,
    toolset::Offer,
};
use crate::host::Host;

/// An agent looks at a scan every few minutes; its session should still be there.
const SESSION_LIFE: Duration = Duration::from_secs(3_600);

/// Hosts and origins of this machine, which are always let in.
pub const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Which names of this server a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Those of this machine: a page in a browser that had its name resolved to it is refused.
    Local,
    /// Any: the server listens for other machines, and every request carries a token.
    Any,
}

/// MCP over HTTP, for any number of clients.
pub fn http(
    host: &Arc<Host>,
    offer: &Offer,
    hosts: Hosts,
    shutdown: CancellationToken,
) -> StreamableHttpService<Measured, LocalSessionManager> {
    let mut config = StreamableHttpServerConfig::default();
    config.allowed_hosts = match hosts {
        Hosts::Local => LOCAL_HOSTS.iter().chain(&["::1"]).map(|host| (*host).to_owned()).collect(),
        Hosts::Any => Vec::new(),
    };
    // Origins and sizes were checked on the way here, by what the configuration says at the time.
    config.allowed_origins = Vec::new();
    config.max_request_body_bytes = usize::MAX;
    config.cancellation_token = shutdown;
    let mut sessions = LocalSessionManager::default();
    let mut session = SessionConfig::default();
    session.keep_alive = Some(SESSION_LIFE);
    sessions.session_config = session;
    let offered = Arc::new(Offered::new(host.clone(), offer));
    StreamableHttpService::new(move || Ok(Measured::new(McpServer::new(offered.clone()))), Arc::new(sessions), config)
}

/// MCP over standard input and output, for the one client that started this process. Returns when it has gone.
///
/// # Errors
/// When the client's first messages are no MCP.
pub async fn stdio(host: Arc<Host>, offer: &Offer) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // A child, since the end of a conversation cancels it.
    let shutdown = host.shutdown.child_token();
    let server = Measured::new(McpServer::new(Arc::new(Offered::new(host, offer))));
    let running = match server.serve_with_ct(rmcp::transport::stdio(), shutdown).await {
        // A client that has gone before it said anything wanted nothing.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        running => running?,
    };
    running.waiting().await?;
    Ok(())
}

/// MCP over the connection of another process, as over stdio. Returns when it has gone.
///
/// # Errors
/// When the client's first messages are no MCP.
pub async fn stream(
    host: Arc<Host>,
    offer: &Offer,
    read: impl AsyncRead + Send + Unpin + 'static,
    write: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // A child, since the end of a conversation cancels it.
    let shutdown = host.shutdown.child_token();
    let server = Measured::new(McpServer::new(Arc::new(Offered::new(host, offer))));
    let running = server.serve_with_ct((read, write), shutdown).await?;
    running.waiting().await?;
    Ok(())
}
