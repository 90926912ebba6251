//! The HTTP server in front of the scanner, which also carries out faults.

mod control;
mod damage;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::Value;
use tokio::{
    fs::File,
    net::TcpListener,
    time::{Instant, timeout},
};
use tokio_util::{io::ReaderStream, sync::CancellationToken, task::TaskTracker};

use crate::{
    call::{Call, Operation},
    fault::{Fault, FaultEffect, FaultKind, Faults},
    record::Records,
    reply::{Refusal, Reply, Report},
    scanner::{Scanner, ScannerRequest},
    settings::Settings,
    view::ScanView,
};

/// The largest request body, which is far more than a create request needs.
const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// The size of the pieces in which a report is sent.
const CHUNK: usize = 64 * 1024;

const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A running server. Dropping it ends it.
pub struct FakeNessus {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

struct Shared {
    started: Instant,
    shutdown: CancellationToken,
    inner: Mutex<Inner>,
}

struct Inner {
    scanner: Scanner,
    faults: Faults,
    records: Records,
}

impl FakeNessus {
    /// Starts a server on a free port of the loopback.
    pub async fn start(settings: Settings) -> Self {
        Self::bind(SocketAddr::from(([127, 0, 0, 1], 0)), settings).await.expect("the loopback has a free port")
    }

    /// Starts a server on this address, such as the address of a server that was stopped.
    pub async fn bind(address: SocketAddr, settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            started: Instant::now(),
            shutdown: CancellationToken::new(),
            inner: Mutex::new(Inner {
                scanner: Scanner::new(settings, unix_now()),
                faults: Faults::default(),
                records: Records::default(),
            }),
        });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server = axum::serve(listener, router).with_graceful_shutdown(shared.shutdown.clone().cancelled_owned());
        let tasks = TaskTracker::new();
        tasks.spawn(server.into_future());
        tasks.close();
        Ok(Self { address, shared, tasks })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn records(&self) -> Records {
        self.shared.lock().records.clone()
    }

    pub fn scans(&self) -> Vec<ScanView> {
        self.shared.lock().scanner.scans(self.shared.now())
    }

    /// Replaces all faults with these.
    pub fn set_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.lock().faults = faults.into_iter().collect();
    }

    /// Forgets scans, sessions, records and faults.
    pub fn reset(&self) {
        self.shared.lock().reset();
    }

    /// Stops the server, and waits until its port is free and its last answer is sent, but not for a client that does
    /// not read.
    pub async fn stop(self) {
        self.shared.shutdown.cancel();
        let _ = timeout(STOP_LIMIT, self.tasks.wait()).await;
    }
}

impl Drop for FakeNessus {
    fn drop(&mut self) {
        self.shared.shutdown.cancel();
    }
}

impl Shared {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds the scanner")
    }
}

impl Inner {
    fn reset(&mut self) {
        self.scanner.reset();
        self.faults = Faults::default();
        self.records = Records::default();
    }

    fn record_request(&mut self, call: &Call, head: &Parts, body: &Value) {
        let operation = call.operation();
        self.records.count_received(operation);
        if let Some(marker) = self.scanner.marker(call, body) {
            let record = self.records.count_received_for(&marker, operation, &head.headers);
            if operation == Operation::Create {
                record.creates.push(body.clone());
            }
        }
    }

    fn answer(&mut self, scanner_request: &ScannerRequest<'_>) -> Result<Reply, Refusal> {
        // The marker is looked up before the call is executed, since a delete removes the scan.
        let marker = self.scanner.marker(scanner_request.call, scanner_request.body);
        let reply = self.scanner.handle(scanner_request)?;
        self.records.count_executed(marker.as_deref(), scanner_request.call.operation());
        Ok(reply)
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    if let Some(path) = head.uri.path().strip_prefix("/fake/") {
        return control::answer(&shared, path, &body);
    }
    let call = Call::parse(&head.method, &head.uri);
    let parsed = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
    let Ok(body) = parsed else { return refuse(Refusal::invalid("The body is not JSON")) };
    let FaultEffect { delay, kind } = {
        let mut inner = shared.lock();
        inner.record_request(&call, &head, &body);
        inner.faults.effect_on(call.operation(), head.uri.path())
    };
    // The delay ends early when the server stops.
    let _ = timeout(delay, shared.shutdown.cancelled()).await;
    let execute = || {
        let scanner_request = ScannerRequest {
            call: &call,
            headers: &head.headers,
            body: &body,
            fault: kind.as_ref(),
            now: shared.now(),
        };
        shared.lock().answer(&scanner_request).map_or_else(refuse, respond)
    };
    match &kind {
        // The delay is over at this point, and the scanner itself causes the other two faults.
        None | Some(FaultKind::Latency { .. } | FaultKind::ExportFails | FaultKind::ScanAborts) => execute(),
        Some(FaultKind::Status { code }) => damage::status(*code),
        Some(FaultKind::RateLimited { retry_after }) => damage::rate_limited(*retry_after),
        Some(FaultKind::DropBefore) => damage::close_connection(),
        Some(FaultKind::DropAfter) => {
            drop(execute());
            damage::close_connection()
        }
        Some(FaultKind::Truncate) => damage::truncate(execute(), damage::Length::Declared).await,
        Some(FaultKind::TruncateChunked) => damage::truncate(execute(), damage::Length::Chunked).await,
        Some(FaultKind::Hang) => {
            shared.shutdown.cancelled().await;
            damage::close_connection()
        }
    }
}

fn refuse(refusal: Refusal) -> Response {
    (refusal.status, Json(refusal.body())).into_response()
}

fn respond(reply: Reply) -> Response {
    match reply {
        Reply::Json(value) => Json(value).into_response(),
        Reply::Empty => StatusCode::OK.into_response(),
        Reply::Report(report) => {
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"report.nessus\""),
            ];
            (headers, body(report)).into_response()
        }
    }
}

/// The report as a stream, which has no length and is therefore sent in chunks.
fn body(report: Report) -> Body {
    match report {
        Report::Bytes(bytes) => {
            let chunks = (0..bytes.len())
                .step_by(CHUNK)
                .map(move |at| Ok::<_, io::Error>(bytes.slice(at..bytes.len().min(at + CHUNK))));
            Body::from_stream(stream::iter(chunks))
        }
        Report::File(path) => match std::fs::File::open(path) {
            Ok(file) => Body::from_stream(ReaderStream::with_capacity(File::from_std(file), CHUNK)),
            Err(_) => Body::empty(),
        },
    }
}

#[expect(clippy::disallowed_methods, reason = "the server under test has a clock of its own")]
fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
