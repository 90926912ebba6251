//! An answer before it is HTTP.

use std::path::PathBuf;

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

#[derive(Debug)]
pub enum Reply {
    Json(Value),
    /// Done, and nothing to say.
    Empty,
    Report(Report),
}

/// A report that can be downloaded.
#[derive(Clone, Debug)]
pub enum Report {
    Bytes(Bytes),
    /// Read as it is sent, since it may be large. What is not there is as an empty download, which no host takes for
    /// a report.
    File(PathBuf),
}

/// An error as Nessus words it: a status and a body with one key.
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
