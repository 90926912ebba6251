//! The ways in: Streamable HTTP as a tower service, and stdio.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use rmcp::{
    ServerHandler, ServiceExt as _,
    service::ServerInitializeError,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService,
        session::local::{LocalSessionManager, SessionConfig},
    },
};
use scanhost_app::host::Host;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

use super::{
    handler::McpServer, malformed, measured::Measured, offered::Offered, session::Sessions, session_owner,
    toolset::Offer,
};

/// The error of a connection whose first message is not a request.
pub const NO_REQUEST: &str = "its first message is not a request";

/// An agent looks at a scan every few minutes; its session should not have to be restored for that.
const SESSION_LIFE: Duration = Duration::from_secs(3_600);

/// MCP over HTTP at `/mcp`.
pub fn mount<R: Clone + Send + Sync + 'static>(
    router: Router<R>,
    host: &Arc<Host>,
    offered: &Arc<Offered>,
) -> Router<R> {
    let offered = offered.clone();
    let in_turn = middleware::from_fn_with_state(host.clone(), limit_concurrency);
    let explained = middleware::from_fn(malformed::explain);
    let owned = middleware::from_fn_with_state(host.clone(), session_owner::check);
    #[cfg(feature = "conformance")]
    if offered.has_fixtures() {
        let shared = Arc::new(super::fixtures::Shared::default());
        let server = move || super::fixtures::Fixtures::new(McpServer::new(offered.clone()), shared.clone());
        return router.nest_service("/mcp", in_turn.layer(explained.layer(owned.layer(http(host, server)))));
    }
    let server = move || Measured::new(McpServer::new(offered.clone()));
    router.nest_service("/mcp", in_turn.layer(explained.layer(owned.layer(http(host, server)))))
}

/// For any number of clients. `server` makes one for a connection, or for a request without one.
fn http<S: ServerHandler>(
    host: &Arc<Host>,
    server: impl Fn() -> S + Send + Sync + 'static,
) -> StreamableHttpService<S, LocalSessionManager> {
    let mut config = StreamableHttpServerConfig::default();
    // Hosts, origins and sizes were checked on the way here, by what the configuration says at the time.
    config.allowed_hosts = Vec::new();
    config.allowed_origins = Vec::new();
    config.max_request_body_bytes = usize::MAX;
    // A stream only where there is something to tell before the answer.
    config.json_response = true;
    config.cancellation_token = closing(host);
    config.session_store = Some(Arc::new(Sessions::new(host.clone())));
    let mut sessions = LocalSessionManager::default();
    let mut session = SessionConfig::default();
    session.keep_alive = Some(SESSION_LIFE);
    sessions.session_config = session;
    StreamableHttpService::new(move || Ok(server()), Arc::new(sessions), config)
}

/// Ends what is connected, a moment after the shutdown began: whoever waits gets an answer first.
fn closing(host: &Arc<Host>) -> CancellationToken {
    const MOMENT: Duration = Duration::from_millis(250);
    let (closing, shutdown) = (CancellationToken::new(), host.shutdown.clone());
    let token = closing.clone();
    host.tasks.spawn(async move {
        shutdown.cancelled().await;
        tokio::time::sleep(MOMENT).await;
        token.cancel();
    });
    closing
}

/// Serves MCP over standard input and output to the client that started this process. Returns when the client is gone.
pub async fn stdio(host: Arc<Host>, offer: &Offer) -> anyhow::Result<()> {
    // A child, since the end of a conversation cancels it.
    let shutdown = host.shutdown.child_token();
    let server = Measured::new(McpServer::new(Arc::new(Offered::new(host, offer.clone()))));
    let running = match server.serve_with_ct(rmcp::transport::stdio(), shutdown).await {
        // A client that has gone before it said anything wanted nothing.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        running => running.map_err(no_mcp)?,
    };
    running.waiting().await?;
    Ok(())
}

/// Serves MCP over the connection of another process, as over stdio. Returns when the client is gone.
pub async fn stream(
    host: Arc<Host>,
    offer: &Offer,
    read: impl AsyncRead + Send + Unpin + 'static,
    write: impl AsyncWrite + Send + Unpin + 'static,
) -> anyhow::Result<()> {
    // A child, since the end of a conversation cancels it.
    let shutdown = host.shutdown.child_token();
    let server = Measured::new(McpServer::new(Arc::new(Offered::new(host, offer.clone()))));
    let running = server.serve_with_ct((read, write), shutdown).await.map_err(no_mcp)?;
    running.waiting().await?;
    Ok(())
}

/// The error of a conversation that did not begin, without the client's message, which may hold secrets.
fn no_mcp(error: ServerInitializeError) -> anyhow::Error {
    match error {
        ServerInitializeError::ExpectedInitializeRequest(_) => anyhow!(NO_REQUEST),
        other => other.into(),
    }
}

/// Lets the library see a request only when it is its turn: what it keeps for each is most of the memory. A call whose
/// response is a stream keeps the turn beyond that.
pub async fn limit_concurrency(State(host): State<Arc<Host>>, mut request: Request, next: Next) -> Response {
    let turn = host.concurrency.next().await;
    request.extensions_mut().insert(turn.clone());
    turn.work(next.run(request)).await
}
