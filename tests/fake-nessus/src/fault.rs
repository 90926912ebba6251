//! Faults: the decision which requests fail, and how. The module `server` carries them out.

use std::{fmt, time::Duration};

use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, de::Error};

use crate::Operation;

/// A fault that some requests have, such as `{"operation":"create","kind":"drop_after","next":1}` in JSON.
#[derive(Clone, Debug, Deserialize)]
pub struct Fault {
    /// The operation that fails, or `None` for every operation.
    pub operation: Option<Operation>,
    /// If set, only requests whose path contains this text fail.
    pub path: Option<String>,
    #[serde(flatten)]
    pub kind: FaultKind,
    #[serde(flatten)]
    pub when: FaultTiming,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The request is delayed, and then executed.
    Latency {
        #[serde(rename = "ms", deserialize_with = "milliseconds")]
        by: Duration,
    },
    /// The request is answered with this status, and not executed.
    Status {
        #[serde(deserialize_with = "status")]
        code: StatusCode,
    },
    /// The request is answered with 429 and `Retry-After`, and not executed.
    RateLimited {
        #[serde(deserialize_with = "seconds")]
        retry_after: Duration,
    },
    /// The connection is closed, and the request is not executed.
    DropBefore,
    /// The request is executed, and then the connection is closed without an answer.
    DropAfter,
    /// The answer declares its full length, and the connection is closed in the middle of it.
    Truncate,
    /// The answer is sent in chunks, and the connection is closed before the last one.
    TruncateChunked,
    /// The request is never answered, and not executed.
    Hang,
    /// An export ends in the state `error`.
    ExportFails,
    /// A launched scan ends half way as `aborted`.
    ScanAborts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultTiming {
    /// This many of the next matching requests fail.
    Next(u64),
    /// One in this many matching requests fails, without end.
    Every(u64),
}

impl Fault {
    pub fn next(count: u64, operation: Operation, kind: FaultKind) -> Self {
        Self { operation: Some(operation), path: None, kind, when: FaultTiming::Next(count) }
    }

    pub fn every(nth: u64, operation: Operation, kind: FaultKind) -> Self {
        Self { operation: Some(operation), path: None, kind, when: FaultTiming::Every(nth) }
    }

    fn applies_to(&self, operation: Operation, path: &str) -> bool {
        self.operation.is_none_or(|expected| expected == operation)
            && self.kind.operation().is_none_or(|expected| expected == operation)
            && self.path.as_deref().is_none_or(|part| path.contains(part))
    }
}

impl FaultKind {
    /// The only operation that can have this fault, or `None` for any.
    fn operation(&self) -> Option<Operation> {
        match self {
            Self::ExportFails => Some(Operation::Export),
            Self::ScanAborts => Some(Operation::Launch),
            Self::Latency { .. }
            | Self::Status { .. }
            | Self::RateLimited { .. }
            | Self::DropBefore
            | Self::DropAfter
            | Self::Truncate
            | Self::TruncateChunked
            | Self::Hang => None,
        }
    }
}

/// The active faults, each with the number of requests that it has matched.
#[derive(Debug, Default)]
pub struct Faults(Vec<ActiveFault>);

#[derive(Debug)]
struct ActiveFault {
    fault: Fault,
    matched: u64,
}

/// The effect of the faults on one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FaultEffect {
    pub delay: Duration,
    pub kind: Option<FaultKind>,
}

impl Faults {
    /// Decides the effect on a request. Delays add up. Of the other faults the first that is due takes effect, and
    /// those after it do not count the request: so faults of one operation occur one after another, in the order in
    /// which they were set.
    pub fn effect_on(&mut self, operation: Operation, path: &str) -> FaultEffect {
        let mut effect = FaultEffect::default();
        for active in self.0.iter_mut().filter(|active| active.fault.applies_to(operation, path)) {
            if let FaultKind::Latency { by } = active.fault.kind {
                if active.is_due() {
                    effect.delay += by;
                }
            } else if effect.kind.is_none() && active.is_due() {
                effect.kind = Some(active.fault.kind.clone());
            }
        }
        effect
    }
}

impl ActiveFault {
    fn is_due(&mut self) -> bool {
        self.matched += 1;
        match self.fault.when {
            FaultTiming::Next(count) => self.matched <= count,
            FaultTiming::Every(nth) => self.matched.is_multiple_of(nth),
        }
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Self(faults.into_iter().map(|fault| ActiveFault { fault, matched: 0 }).collect())
    }
}

impl std::str::FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        serde_json::from_str(text).map_err(FaultError)
    }
}

/// The error of JSON that is not a fault.
#[derive(Debug)]
pub struct FaultError(serde_json::Error);

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a fault: {}", self.0)
    }
}

impl std::error::Error for FaultError {}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
    StatusCode::from_u16(u16::deserialize(deserializer)?).map_err(D::Error::custom)
}
