//! Requests to the scanner, and what its answers mean for the host.
//! Sending is one thin step. Functions that interpret an answer call no import, so a backend's tests need no host.
//! Error texts never quote the scanner.

use serde::{Serialize, de::DeserializeOwned};

use crate::backend::{
    http::{self, HttpError, Method},
    types::ScanError,
};

#[cfg(test)]
mod tests;

/// A request and its purpose, in words that complete the "cannot …" of error texts.
#[derive(Clone, Debug)]
pub struct Request {
    purpose: &'static str,
    request: http::Request,
}

impl Request {
    pub fn new(purpose: &'static str, method: Method, path: impl Into<String>) -> Self {
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        Self { purpose, request: http::Request { method, path: path.into(), headers, body: None } }
    }

    pub fn get(purpose: &'static str, path: impl Into<String>) -> Self {
        Self::new(purpose, Method::Get, path)
    }

    pub fn post(purpose: &'static str, path: impl Into<String>) -> Self {
        Self::new(purpose, Method::Post, path)
    }

    pub fn put(purpose: &'static str, path: impl Into<String>) -> Self {
        Self::new(purpose, Method::Put, path)
    }

    pub fn delete(purpose: &'static str, path: impl Into<String>) -> Self {
        Self::new(purpose, Method::Delete, path)
    }

    /// Sets the body.
    ///
    /// # Panics
    /// If the body cannot be written as JSON, for example a map whose keys are not text.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        self.request.body = Some(serde_json::to_vec(body).expect("a request body is JSON"));
        self
    }

    /// Sends the request and returns the answer, whatever its status.
    pub fn send(self) -> Result<Answer, NoAnswer> {
        let purpose = self.purpose;
        let response = http::send(&self.request).map_err(|error| NoAnswer { purpose, error })?;
        Ok(Answer { purpose, status: response.status, headers: response.headers, body: response.body })
    }

    /// Streams a 2xx answer into the report file. The returned answer has a body only if the status is not 2xx.
    pub fn download(self) -> Result<Download, NoAnswer> {
        let purpose = self.purpose;
        let downloaded = http::download(&self.request).map_err(|error| NoAnswer { purpose, error })?;
        let http::Downloaded { status, headers, written, body } = downloaded;
        Ok(Download { answer: Answer { purpose, status, headers, body }, written })
    }
}

/// The result of a download.
#[derive(Clone, Debug)]
pub struct Download {
    pub answer: Answer,
    /// The size of the report file in bytes.
    pub written: u64,
}

/// A complete answer of the scanner.
#[derive(Clone, Debug)]
pub struct Answer {
    pub purpose: &'static str,
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the answer if its status is 2xx, otherwise the usual meaning of the status.
    pub fn accept(self) -> Result<Self, ScanError> {
        self.accept_or(|_| None)
    }

    /// Returns the answer if its status is 2xx, otherwise the result of `meaning`, or of `usual_error` if that is none.
    pub fn accept_or(self, meaning: impl FnOnce(&Self) -> Option<ScanError>) -> Result<Self, ScanError> {
        if self.is_success() {
            return Ok(self);
        }
        Err(meaning(&self).unwrap_or_else(|| self.usual_error()))
    }

    /// Parses the body as JSON. A body of another form is an `internal` error, after which the host tries again.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ScanError> {
        serde_json::from_slice(&self.body).map_err(|_| {
            ScanError::Internal(format!("cannot {}: the scanner's answer is not the expected JSON", self.purpose))
        })
    }

    /// The usual meaning of a status that is not 2xx.
    pub fn usual_error(&self) -> ScanError {
        let text = self.text("");
        match self.status {
            400 | 405 | 413 | 415 | 422 => ScanError::Invalid(text),
            401 | 403 => ScanError::Unauthorized(text),
            404 | 410 => ScanError::NotFound(text),
            408 | 409 | 423 | 425 | 500 | 502..=599 => ScanError::Unavailable(text),
            429 => ScanError::RateLimited(self.retry_after_ms()),
            501 => ScanError::Unsupported(text),
            _ => ScanError::Internal(text),
        }
    }

    /// Builds an error text of the purpose, the status and `hint`, which may be empty.
    pub fn text(&self, hint: &str) -> String {
        let separator = if hint.is_empty() { "" } else { "; " };
        format!("cannot {}: the scanner answered with status {}{separator}{hint}", self.purpose, self.status)
    }

    /// The header `Retry-After` if it is in seconds. A date is ignored, and the host chooses the delay.
    pub fn retry_after_ms(&self) -> Option<u32> {
        let (_, value) = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
        let seconds: u32 = value.trim().parse().ok()?;
        Some(seconds.saturating_mul(1_000))
    }
}

/// The error of a request without a complete answer.
#[derive(Clone, Debug, PartialEq)]
pub struct NoAnswer {
    pub purpose: &'static str,
    pub error: HttpError,
}

impl NoAnswer {
    /// Whether the scanner may have carried out the request: check before sending it again.
    pub fn may_have_acted(&self) -> bool {
        match self.error {
            HttpError::Broken(_) | HttpError::TooLarge(_) => true,
            HttpError::Denied(_) | HttpError::Unreachable(_) | HttpError::TooMany(_) => false,
        }
    }
}

impl From<NoAnswer> for ScanError {
    fn from(NoAnswer { purpose, error }: NoAnswer) -> Self {
        match error {
            HttpError::Denied(reason) => Self::Invalid(format!("cannot {purpose}: refused by the host: {reason}")),
            HttpError::Unreachable(reason) => {
                Self::Unavailable(format!("cannot {purpose}: the scanner cannot be reached: {reason}"))
            }
            HttpError::Broken(reason) => Self::Unavailable(format!("cannot {purpose}: the answer broke off: {reason}")),
            HttpError::TooLarge(limit) => {
                Self::Internal(format!("cannot {purpose}: the answer is larger than {limit} bytes"))
            }
            HttpError::TooMany(limit) => {
                Self::Internal(format!("cannot {purpose}: more than {limit} requests in one call"))
            }
        }
    }
}
