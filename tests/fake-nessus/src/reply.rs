//! The answers of the scanner, independent of HTTP.

use std::path::PathBuf;

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

#[derive(Debug)]
pub enum Reply {
    Json(Value),
    /// The request was executed, and the answer has no body.
    Empty,
    Report(Report),
}

/// A report that can be downloaded.
#[derive(Clone, Debug)]
pub enum Report {
    Bytes(Bytes),
    /// A file that is read while it is sent, since it may be large. A missing file is sent as an empty body, which no
    /// host accepts as a report.
    File(PathBuf),
}

/// An error in the form of Nessus: a status, and a body with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    pub error: &'static str,
}

impl Refusal {
    pub const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, "The requested file was not found.");
    pub const UNAUTHORIZED: Self = Self::new(StatusCode::UNAUTHORIZED, "Invalid Credentials");
    pub const NO_SCAN_API: Self = Self::new(StatusCode::PRECONDITION_FAILED, "API is not available");

    pub const fn invalid(error: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    pub const fn conflict(error: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, error)
    }

    const fn new(status: StatusCode, error: &'static str) -> Self {
        Self { status, error }
    }

    pub fn body(&self) -> Value {
        json!({ "error": self.error })
    }
}
