//! One scanner's client, shared by all calls, and what a single call of a plugin may do with it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use scanhost_domain::ids::TraceId;
use scanhost_sandbox::{
    BackendDescription,
    capability::{Downloaded, Http, HttpError, Method, ReportWriter, Request, Response},
};
use url::Url;

use super::{
    address::{CheckedResolver, is_forbidden},
    answer::{chain, failure, read_body, read_start},
    pin, request,
    secrets::{Placeholders, Redaction},
    session::{Login, Session, UnusableAuth},
};
use crate::{
    config::{Scanner, ScannerLimits, Tls},
    pace::paced,
    secret::Secret,
    store::Hold,
    trace_context::traceparent,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two pieces of a download.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Of an answer that refuses a download.
const MAX_REFUSAL: usize = 64 << 10;

/// A scanner that cannot be talked to as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum BadScanner {
    #[error("it needs a `url`")]
    NoUrl,
    #[error("its `url` may not be reached: metadata, link-local and multicast addresses never are")]
    ForbiddenAddress,
    #[error(transparent)]
    Auth(#[from] UnusableAuth),
    #[error("its TLS settings cannot be used: {0}")]
    Tls(String),
}

/// Why a request cannot carry a login.
enum NoLogin {
    /// The scanner does not accept the host's user and password.
    Refused,
    Failed(HttpError),
}

impl From<HttpError> for NoLogin {
    fn from(error: HttpError) -> Self {
        Self::Failed(error)
    }
}

/// A scanner with its address, TLS and login.
pub struct ScannerClient {
    http: reqwest::Client,
    base: Option<Url>,
    headers: HeaderMap,
    login: Login,
    token: tokio::sync::Mutex<Option<Secret>>,
    /// The last token, for striking it from answers without waiting for a login under way.
    struck_token: Mutex<Option<Secret>>,
    redaction: Redaction,
    limits: ScannerLimits,
    pace: Option<DefaultDirectRateLimiter>,
}

impl ScannerClient {
    /// # Errors
    /// When the configuration and the backend's description do not go together.
    pub fn new(scanner: &Scanner, backend: &BackendDescription) -> Result<Self, BadScanner> {
        let login = Login::choose(&backend.auth, &scanner.auth)?;
        if scanner.url.is_none() && !backend.auth.is_empty() {
            return Err(BadScanner::NoUrl);
        }
        if let Some(address) = scanner.url.as_ref().and_then(literal_address)
            && is_forbidden(address)
        {
            return Err(BadScanner::ForbiddenAddress);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &scanner.headers {
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).expect("checked with the configuration");
            let mut value = HeaderValue::from_str(value.expose()).expect("checked with the configuration");
            value.set_sensitive(true);
            headers.append(name, value);
        }
        let secrets = scanner.auth.iter().map(|(_, secret)| secret).chain(scanner.headers.iter().map(|(_, v)| v));
        Ok(Self {
            http: client(&scanner.tls)?,
            base: scanner.url.clone(),
            headers,
            login,
            token: tokio::sync::Mutex::default(),
            struck_token: Mutex::default(),
            redaction: Redaction::of(secrets),
            limits: scanner.limits,
            pace: scanner.limits.requests_per_minute.map(|most| RateLimiter::direct(Quota::per_minute(most))),
        })
    }

    /// What one call of a plugin may use.
    pub fn call(
        self: &Arc<Self>,
        trace: Option<TraceId>,
        placeholders: Placeholders,
        may_download: bool,
    ) -> ScannerCall {
        let redaction = self.redaction.clone().and(placeholders.redaction());
        let has_acted = Arc::default();
        ScannerCall { client: self.clone(), trace, placeholders, redaction, may_download, hold: None, has_acted }
    }

    /// Ends the session, if there is one. Best effort: a session also ends by itself.
    pub async fn log_out(&self) {
        let (Login::Session(session), Some(token)) = (&self.login, self.token.lock().await.take()) else { return };
        let (Some(path), Some(base), Some(value)) = (&session.logout_path, &self.base, session.value(&token)) else {
            return;
        };
        if let Ok(url) = request::address(base, path) {
            let _best_effort = self
                .http
                .delete(url)
                .headers(self.headers.clone())
                .header(&session.header, value)
                .timeout(CONNECT_TIMEOUT)
                .send()
                .await;
        }
    }

    /// The login header of the next request. `stale` is a token that was refused.
    async fn authorise(&self, stale: Option<&HeaderValue>) -> Result<Option<(HeaderName, HeaderValue)>, NoLogin> {
        match &self.login {
            Login::None => Ok(None),
            Login::Keys { header, value } => Ok(Some((header.clone(), value.clone()))),
            Login::Session(session) => {
                // Held over the login, so that many calls at once log in once.
                let mut token = self.token.lock().await;
                let present = token.as_ref().and_then(|token| session.value(token));
                let value = match present {
                    Some(value) if Some(&value) != stale => value,
                    _ => {
                        let new = self.log_in(session).await?;
                        *self.struck_token.lock().unwrap_or_else(PoisonError::into_inner) = Some(new.clone());
                        let value = session.value(&new);
                        *token = Some(new);
                        value.ok_or_else(|| HttpError::Denied("the scanner's token is no header value".into()))?
                    }
                };
                Ok(Some((session.header.clone(), value)))
            }
        }
    }

    /// Waits until the scanner may get another request.
    async fn pace(&self) {
        if let Some(pace) = &self.pace {
            pace.until_ready().await;
        }
    }

    async fn log_in(&self, session: &Session) -> Result<Secret, NoLogin> {
        let url = request::address(self.base()?, &session.login_path)?;
        self.pace().await;
        let sent = self
            .http
            .post(url)
            .headers(self.headers.clone())
            .header("content-type", "application/json")
            .body(session.login_body.expose().to_owned())
            .timeout(self.limits.answer)
            .send();
        let answer = sent.await.map_err(|error| failure(&error))?;
        let status = answer.status();
        let body = read_body(answer, MAX_REFUSAL).await?;
        match session.token(&body) {
            Some(token) if status.is_success() => Ok(token),
            _ if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                Err(HttpError::Broken(format!("the login was answered with status {}", status.as_u16())).into())
            }
            _ if matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                tracing::warn!(status = status.as_u16(), "the scanner did not accept the host's login");
                Err(NoLogin::Refused)
            }
            _ => Err(HttpError::Denied(format!("the login gave no token (status {})", status.as_u16())).into()),
        }
    }

    fn base(&self) -> Result<&Url, HttpError> {
        self.base.as_ref().ok_or_else(|| HttpError::Denied("the scanner has no `url` in the configuration".into()))
    }
}

/// A scanner's client in the hands of one plugin call.
pub struct ScannerCall {
    client: Arc<ScannerClient>,
    trace: Option<TraceId>,
    placeholders: Placeholders,
    redaction: Redaction,
    may_download: bool,
    /// Nothing is sent when this is over.
    hold: Option<Hold>,
    /// True from when anything but a question may have reached the scanner.
    has_acted: Arc<AtomicBool>,
}

impl ScannerCall {
    /// The same as long as the scan is surely its worker's.
    pub fn while_held(self, hold: Hold) -> Self {
        Self { hold: Some(hold), ..self }
    }

    /// The same, which sets `has_acted` as soon as anything but a question may have reached the scanner.
    pub fn noting(self, has_acted: Arc<AtomicBool>) -> Self {
        Self { has_acted, ..self }
    }

    /// Sends it, with a new login and once more where the session has ended.
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
            // As late as can be: whatever was waited for may have taken long.
            if self.hold.as_ref().is_some_and(|hold| !hold.is_sure()) {
                return Err(HttpError::Unreachable("by now another worker may have the scan".into()));
            }
            // Before it is sent: this may be given up on the way.
            let had_acted = self.has_acted.fetch_or(asked.method != Method::Get, Ordering::Relaxed);
            let answer = sending.send().await.map_err(|error| {
                if error.is_connect() {
                    self.has_acted.store(had_acted, Ordering::Relaxed);
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
            return Err(HttpError::Denied("downloads are for `export-report` only".into()));
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
            // From a scanner nearby the next piece is here already, and this would go on while others wait.
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

/// What the scanner would have said to a request without login: the plugin knows what that means.
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

fn client(tls: &Tls) -> Result<reqwest::Client, BadScanner> {
    let bad_tls = |error: reqwest::Error| BadScanner::Tls(chain(&error));
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(CheckedResolver)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .retry(reqwest::retry::never());
    let builder = match tls {
        Tls::Verify { ca_file: None } => builder,
        Tls::Verify { ca_file: Some(pem) } => {
            builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem).map_err(bad_tls)?)
        }
        Tls::Pinned(digest) => {
            let tls = pin::trusting(*digest).map_err(|error| BadScanner::Tls(error.to_string()))?;
            builder.tls_backend_preconfigured(tls)
        }
        Tls::Insecure => builder.tls_danger_accept_invalid_certs(true),
    };
    builder.build().map_err(bad_tls)
}

fn literal_address(url: &Url) -> Option<std::net::IpAddr> {
    match url.host()? {
        url::Host::Ipv4(address) => Some(address.into()),
        url::Host::Ipv6(address) => Some(address.into()),
        url::Host::Domain(_) => None,
    }
}
