//! The connections of clients: it bounds their number and the time that a client may take to send the head of a request
//! or to read an answer, and serves TLS where it is configured. A client beyond these limits costs one socket at most.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use scanhost_app::host::Host;
use scanhost_domain::error_chain::chain;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// The wait before accepting again, when accepting failed for lack of sockets or memory.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// The answer to a connection beyond the limit.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Serves until shutdown. Requests that are then under way finish on tasks that shutdown waits for.
pub async fn serve(host: Arc<Host>, listener: TcpListener, router: Router) {
    let connections = Arc::new(());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = host.shutdown.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = chain(&error), "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            }
        };
        // Each clone is one connection.
        let connection = connections.clone();
        if Arc::strong_count(&connections) - 1 > host.snapshot.load().config.limits.connections {
            tracing::warn!(%peer, "a connection was refused: limits.connections is reached");
            // The answer fits the socket's empty buffer; a client that has gone needs none.
            let _best_effort = stream.try_write(FULL);
            continue;
        }
        let (serving, router) = (host.clone(), router.clone());
        host.tasks.spawn(async move {
            if let Err(error) = serve_connection(&serving, stream, peer, router).await {
                tracing::debug!(%peer, error = chain(&*error), "a connection ended");
            }
            drop(connection);
        });
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Serves one connection, with TLS where a certificate is configured now.
async fn serve_connection(host: &Host, stream: TcpStream, peer: SocketAddr, router: Router) -> Result<(), Failure> {
    // Answers are small, and clients wait for them.
    stream.set_nodelay(true)?;
    let tls = host.snapshot.load().config.tls.clone();
    match tls {
        None => serve_http(host, stream, peer, router).await,
        Some(tls) => {
            let handshake = TlsAcceptor::from(tls.config()).accept(stream);
            let stream = tokio::time::timeout(HANDSHAKE_TIME, handshake).await.map_err(io::Error::from)??;
            serve_http(host, stream, peer, router).await
        }
    }
}

async fn serve_http(
    host: &Host,
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    peer: SocketAddr,
    router: Router,
) -> Result<(), Failure> {
    let idle = host.snapshot.load().config.limits.idle;
    let mut stream = TimeoutStream::new(stream);
    // A quiet stream of events does not count as slow, since the client has nothing to read.
    stream.set_write_timeout(Some(idle));
    let service = router.map_request(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(idle);
    let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(service));
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = host.shutdown.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    Ok(connection.await?)
}
