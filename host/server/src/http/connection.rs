//! The connections of clients: how many there are, how long each may take over a request's head or leave an answer
//! unread, and TLS where it is configured. A client that is slow, silent or one too many costs one socket at most.

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

/// Before the next try to accept a connection, when the last one failed for want of sockets or memory.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What one connection too many gets, in place of a hang.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Serves until shutdown; requests under way then end on tasks that shutdown waits for.
pub async fn serve(host: Arc<Host>, listener: TcpListener, router: Router) {
    let room = Arc::new(());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = host.shutdown.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = chain(&error), "a connection could not be accepted");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        // Whoever holds it beside this loop is a connection.
        let place = room.clone();
        if Arc::strong_count(&room) - 1 > host.snapshot.load().config.limits.connections {
            tracing::warn!(%peer, "a connection was refused: there are as many as limits.connections allows");
            // It fits the socket's empty buffer; a client that has gone needs none.
            let _best_effort = stream.try_write(FULL);
            continue;
        }
        let (serving, router) = (host.clone(), router.clone());
        host.tasks.spawn(async move {
            if let Err(error) = secure(&serving, stream, peer, router).await {
                tracing::debug!(%peer, error = chain(&*error), "a connection ended");
            }
            drop(place);
        });
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Speaks TLS first, with the certificate of now.
async fn secure(host: &Host, stream: TcpStream, peer: SocketAddr, router: Router) -> Result<(), Failure> {
    // Answers are small and waited for.
    stream.set_nodelay(true)?;
    let tls = host.snapshot.load().config.tls.clone();
    match tls {
        None => talk(host, stream, peer, router).await,
        Some(tls) => {
            let handshake = TlsAcceptor::from(tls.config()).accept(stream);
            let stream = tokio::time::timeout(HANDSHAKE_TIME, handshake).await.map_err(io::Error::from)??;
            talk(host, stream, peer, router).await
        }
    }
}

async fn talk(
    host: &Host,
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    peer: SocketAddr,
    router: Router,
) -> Result<(), Failure> {
    let idle = host.snapshot.load().config.limits.idle;
    let mut stream = TimeoutStream::new(stream);
    // A quiet stream of events is not slow: there is nothing for the client to take.
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
