//! What one call of a plugin may do with its scanner's client.

use std::sync::{
    Arc, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, StatusCode};
use scanhost_domain::ids::TraceId;
use scanhost_sandbox::capability::{Downloaded, Http, HttpError, Method, ReportWriter, Request, Response};
use scanhost_system::pace::paced;

use super::{
    super::{
        answer::{failure, read_body, read_start},
        request,
        secrets::{Placeholders, Redaction},
        session::Login,
    },
    MAX_REFUSAL, NoLogin, ScannerClient,
};
use crate::{lease::Lease, trace_context::traceparent};

/// A scanner's client in the hands of one plugin call.
pub struct ScannerCall {
    pub(super) client: Arc<ScannerClient>,
    pub(super) trace: Option<TraceId>,
    pub(super) placeholders: Placeholders,
    pub(super) redaction: Redaction,
    pub(super) may_download: bool,
    /// Nothing is sent once this lease is over.
    pub(super) lease: Option<Lease>,
    /// True once anything may have reached the scanner.
    pub(super) has_sent: Arc<AtomicBool>,
}

impl ScannerCall {
    /// Makes the call send requests only while the lease is valid.
    pub fn while_leased(self, lease: Lease) -> Self {
        Self { lease: Some(lease), ..self }
    }

    /// Makes the call set `has_sent` as soon as anything may have reached the scanner.
    pub fn with_sent_flag(self, has_sent: Arc<AtomicBool>) -> Self {
        Self { has_sent, ..self }
    }

    /// Sends the request. If the session has ended, logs in again and sends it once more.
    async fn exchange(&self, asked: &Request, is_download: bool) -> Result<reqwest::Response, HttpError> {
        let client = &self.client;
        let url = request::address(client.base()?, &asked.path)?;
        let own: Vec<HeaderName> =
            client.login.header().cloned().into_iter().chain(client.headers.keys().cloned()).collect();
        let headers = request::headers(asked, &own)?;
        let mut stale = None;
        loop {
            let login = match client.authorise(stale.as_ref()).await {
                Ok(login) => login,
                Err(NoLogin::Failed(error)) => return Err(error),
                Err(NoLogin::Refused) => return Ok(unauthorized()),
            };
            let mut sending = client
                .http
                .request(request::method(asked.method), url.clone())
                .headers(client.headers.clone())
                .headers(headers.clone());
            if !is_download {
                sending = sending.timeout(paced(client.limits.answer));
            }
            if let Some(trace) = &self.trace {
                sending = sending.header("traceparent", traceparent(trace));
            }
            if let Some((name, value)) = &login {
                sending = sending.header(name, value);
            }
            if let Some(body) = &asked.body {
                sending = sending.body(self.placeholders.fill(body).into_owned());
            }
            client.pace().await;
            // Checked as late as possible, since login and rate limit may have taken long.
            if self.lease.as_ref().is_some_and(|lease| !lease.is_valid()) {
                return Err(HttpError::Unreachable("another worker may have taken over the scan".into()));
            }
            // Set before sending, since this future may be dropped while it sends.
            let had_sent = self.has_sent.swap(true, Ordering::Relaxed);
            let answer = sending.send().await.map_err(|error| {
                if error.is_connect() {
                    self.has_sent.store(had_sent, Ordering::Relaxed);
                }
                failure(&error)
            })?;
            let is_session = matches!(client.login, Login::Session(_));
            if answer.status() == StatusCode::UNAUTHORIZED && is_session && stale.is_none() {
                stale = login.map(|(_, value)| value);
                continue;
            }
            return Ok(answer);
        }
    }

    fn struck(&self, bytes: Vec<u8>) -> Vec<u8> {
        let token = self.client.struck_token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Redaction::of(token.iter()).and(self.redaction.clone()).strike(bytes)
    }

    fn visible_headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let visible = headers.iter().filter(|(name, _)| !matches!(name.as_str(), "set-cookie" | "set-cookie2"));
        visible
            .filter_map(|(name, value)| {
                let value = self.struck(value.as_bytes().to_vec());
                Some((name.as_str().to_owned(), String::from_utf8(value).ok()?))
            })
            .collect()
    }
}

#[async_trait]
impl Http for ScannerCall {
    async fn send(&mut self, asked: Request) -> Result<Response, HttpError> {
        let answer = self.exchange(&asked, false).await?;
        let (status, headers) = (answer.status().as_u16(), self.visible_headers(answer.headers()));
        tracing::debug!(
            method = method_name(asked.method),
            path = asked.path,
            status,
            trace = self.trace_text(),
            "scanner request"
        );
        let body = read_body(answer, self.client.limits.answer_bytes).await?;
        Ok(Response { status, headers, body: self.struck(body) })
    }

    async fn download(&mut self, asked: Request, report: &mut dyn ReportWriter) -> Result<Downloaded, HttpError> {
        if !self.may_download {
            return Err(HttpError::Denied("downloads are permitted only in `export-report`".into()));
        }
        let answer = self.exchange(&asked, true).await?;
        let (status, headers) = (answer.status(), self.visible_headers(answer.headers()));
        tracing::debug!(
            method = method_name(asked.method),
            path = asked.path,
            status = status.as_u16(),
            trace = self.trace_text(),
            "scanner download"
        );
        if !status.is_success() {
            let body = read_start(answer, MAX_REFUSAL).await?;
            return Ok(Downloaded { status: status.as_u16(), headers, written: 0, body: self.struck(body) });
        }
        let full = |error: std::io::Error| HttpError::Denied(format!("the report cannot be stored: {}", error.kind()));
        report.restart().map_err(full)?;
        let mut written = 0;
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| failure(&error))?;
            if written + piece.len() as u64 > self.client.limits.report_bytes {
                return Err(HttpError::TooLarge(self.client.limits.report_bytes));
            }
            report.append(&piece).map_err(full)?;
            written += piece.len() as u64;
            // With a fast scanner the next piece is always ready, and this loop would never yield to other tasks.
            tokio::task::yield_now().await;
        }
        Ok(Downloaded { status: status.as_u16(), headers, written, body: Vec::new() })
    }
}

impl ScannerCall {
    fn trace_text(&self) -> &str {
        self.trace.as_ref().map_or("", TraceId::as_str)
    }
}

/// The answer of a scanner to a request without a login, whose meaning the plugin knows.
fn unauthorized() -> reqwest::Response {
    let mut answer = http::Response::new(Vec::new());
    *answer.status_mut() = StatusCode::UNAUTHORIZED;
    answer.into()
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Head => "HEAD",
    }
}
