//! The HTTP client of one scanner, shared by all calls.

mod call;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use scanhost_config::{Scanner, ScannerLimits, Secret, Tls};
use scanhost_domain::ids::TraceId;
use scanhost_sandbox::{BackendDescription, capability::HttpError};
use url::Url;

use super::{
    address::{CheckedResolver, is_forbidden},
    answer::{chain, failure, read_body},
    pin, request,
    secrets::{Placeholders, Redaction},
    session::{Login, Session, UnusableAuth},
};
use call::ScannerCall;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time between two pieces of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How many bytes are read of an answer that refuses a download, and of an answer to a login.
const MAX_REFUSAL: usize = 64 << 10;

/// Why a scanner cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum BadScanner {
    #[error("it needs a `url`")]
    NoUrl,
    #[error("its `url` may not be reached: metadata, link-local, multicast and unspecified addresses are forbidden")]
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
    /// The last token, to strike it from answers without waiting for a login that is in progress.
    struck_token: Mutex<Option<Secret>>,
    redaction: Redaction,
    limits: ScannerLimits,
    pace: Option<DefaultDirectRateLimiter>,
}

impl ScannerClient {
    /// # Errors
    /// When the configuration does not fit the backend's description.
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

    /// The part of the client that one call of a plugin may use.
    pub fn call(
        self: &Arc<Self>,
        trace: Option<TraceId>,
        placeholders: Placeholders,
        may_download: bool,
    ) -> ScannerCall {
        let redaction = self.redaction.clone().and(placeholders.redaction());
        let has_sent = Arc::default();
        ScannerCall { client: self.clone(), trace, placeholders, redaction, may_download, lease: None, has_sent }
    }

    /// Ends the session, if there is one. A failure is ignored, since a session also ends by itself.
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

    /// The login header of the next request. `stale` is a header value that the scanner refused.
    async fn authorise(&self, stale: Option<&HeaderValue>) -> Result<Option<(HeaderName, HeaderValue)>, NoLogin> {
        match &self.login {
            Login::None => Ok(None),
            Login::Keys { header, value } => Ok(Some((header.clone(), value.clone()))),
            Login::Session(session) => {
                // Locked during the login, so that concurrent calls log in only once.
                let mut token = self.token.lock().await;
                let present = token.as_ref().and_then(|token| session.value(token));
                let value = match present {
                    Some(value) if Some(&value) != stale => value,
                    _ => {
                        let new = self.log_in(session).await?;
                        *self.struck_token.lock().unwrap_or_else(PoisonError::into_inner) = Some(new.clone());
                        let value = session.value(&new);
                        *token = Some(new);
                        value.ok_or_else(|| {
                            HttpError::Denied("the token that the scanner returned is not a valid header value".into())
                        })?
                    }
                };
                Ok(Some((session.header.clone(), value)))
            }
        }
    }

    /// Waits until the rate limit permits another request.
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
                Err(HttpError::Broken(format!("the scanner answered the login with status {}", status.as_u16())).into())
            }
            _ if matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                tracing::warn!(status = status.as_u16(), "the scanner did not accept the host's login");
                Err(NoLogin::Refused)
            }
            _ => {
                Err(HttpError::Denied(format!("the answer to the login has no token (status {})", status.as_u16()))
                    .into())
            }
        }
    }

    fn base(&self) -> Result<&Url, HttpError> {
        self.base.as_ref().ok_or_else(|| HttpError::Denied("the scanner has no `url` in the configuration".into()))
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
