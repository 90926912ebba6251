//! Faults: which requests go wrong, and how. Deciding is here; `server` does the damage.

use std::{fmt, time::Duration};

use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, de::Error};

use crate::Operation;

/// One thing that goes wrong. As JSON: `{"operation":"create","kind":"drop_after","next":1}`.
#[derive(Clone, Debug, Deserialize)]
pub struct Fault {
    /// By default every operation.
    pub operation: Option<Operation>,
    /// Only requests whose path contains this.
    pub path: Option<String>,
    #[serde(flatten)]
    pub kind: Kind,
    #[serde(flatten)]
    pub when: When,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// The request waits, then goes on.
    Latency {
        #[serde(rename = "ms", deserialize_with = "milliseconds")]
        by: Duration,
    },
    /// Answered with this status, without acting.
    Status {
        #[serde(deserialize_with = "status")]
        code: StatusCode,
    },
    /// 429 with `Retry-After`, without acting.
    RateLimited {
        #[serde(deserialize_with = "seconds")]
        retry_after: Duration,
    },
    /// The connection is closed, and nothing was done.
    DropBefore,
    /// The request is acted upon, then the connection is closed without an answer.
    DropAfter,
    /// The answer declares its whole length, and the connection is closed in its middle.
    Truncate,
    /// The answer comes in chunks, and the connection is closed before the last one.
    TruncateChunked,
    /// No answer, ever, and nothing is done.
    Hang,
    /// Of an export: it ends in the state `error`.
    ExportFails,
    /// Of a launch: the scan ends by itself half way, as `aborted`.
    ScanAborts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The next so many matching requests.
    Next(u64),
    /// Every so-manieth matching request, without end.
    Every(u64),
}

impl Fault {
    pub fn next(count: u64, operation: Operation, kind: Kind) -> Self {
        Self { operation: Some(operation), path: None, kind, when: When::Next(count) }
    }

    pub fn every(nth: u64, operation: Operation, kind: Kind) -> Self {
        Self { operation: Some(operation), path: None, kind, when: When::Every(nth) }
    }

    fn concerns(&self, operation: Operation, path: &str) -> bool {
        self.operation.is_none_or(|own| own == operation)
            && self.kind.operation().is_none_or(|own| own == operation)
            && self.path.as_deref().is_none_or(|part| path.contains(part))
    }
}

impl Kind {
    /// The only operation that this can happen to.
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

/// The faults in force, with what each has seen.
#[derive(Debug, Default)]
pub struct Faults(Vec<Armed>);

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u64,
}

/// What happens to one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    pub delay: Duration,
    pub kind: Option<Kind>,
}

impl Faults {
    /// Delays add up. Of the rest the first that is due acts, and those after it do not see the request: faults for
    /// one operation so happen one after the other, in the order in which they were set.
    pub fn meet(&mut self, operation: Operation, path: &str) -> Trouble {
        let mut trouble = Trouble::default();
        for armed in self.0.iter_mut().filter(|armed| armed.fault.concerns(operation, path)) {
            if let Kind::Latency { by } = armed.fault.kind {
                if armed.is_due() {
                    trouble.delay += by;
                }
            } else if trouble.kind.is_none() && armed.is_due() {
                trouble.kind = Some(armed.fault.kind.clone());
            }
        }
        trouble
    }
}

impl Armed {
    fn is_due(&mut self) -> bool {
        self.seen += 1;
        match self.fault.when {
            When::Next(count) => self.seen <= count,
            When::Every(nth) => self.seen.is_multiple_of(nth),
        }
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Self(faults.into_iter().map(|fault| Armed { fault, seen: 0 }).collect())
    }
}

impl std::str::FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        serde_json::from_str(text).map_err(FaultError)
    }
}

/// JSON that is no fault.
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
