//! Limits of sizes, rates and times.

use std::{num::NonZeroU32, time::Duration};

use super::fields::Fields;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// The longest time from a scan's start to its end.
    pub scan: Duration,
    /// Bytes of one page of results over MCP.
    pub page_bytes: usize,
    /// Bytes of all results at once (page 0) over MCP.
    pub all_bytes: usize,
    /// Bytes of the body of an HTTP request.
    pub request_bytes: usize,
    /// The time between two status calls for a running scan.
    pub poll: Duration,
    /// Limits of one caller.
    pub calls: CallLimits,
    /// HTTP connections of all clients that may be open at once.
    pub connections: usize,
    /// The longest wait for the head of an HTTP request, for each part of its body, between two requests, and for a
    /// part of an answer to be read.
    pub idle: Duration,
}

/// How much one caller may call. `None` is no limit.
///
/// The defaults are for callers with a token of their own. Where no tokens are configured all callers are one, and only
/// a limit that is written down holds for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    pub per_minute: Option<NonZeroU32>,
    /// Calls that run at the same time; waiting for a scan counts as one.
    pub at_once: Option<NonZeroU32>,
}

impl Limits {
    pub(super) fn read(mut fields: Fields<'_>, has_tokens: bool) -> Self {
        let mut bytes = |key, default| fields.or(key, default, |setting| usize::try_from(setting.whole(BYTES)?).ok());
        let page_bytes = bytes("page_bytes", 65_536);
        let all_bytes = bytes("all_bytes", 10_485_760);
        let request_bytes = bytes("request_bytes", 4_194_304);
        let scan = fields.or("scan_hours", 24 * HOUR, |setting| setting.duration(HOUR, 0.0001..=8_760.0));
        let poll = fields.or("poll_seconds", 30 * SECOND, |setting| setting.duration(SECOND, 0.01..=3_600.0));
        let mut calls = |key, default| {
            let default = NonZeroU32::new(default).filter(|_| has_tokens);
            fields.or(key, default, |setting| u32::try_from(setting.whole(CALLS)?).ok().map(NonZeroU32::new))
        };
        let calls =
            CallLimits { per_minute: calls("calls_per_minute", 600), at_once: calls("concurrent_calls", 2_000) };
        let connections =
            fields.or("connections", 4_096, |setting| usize::try_from(setting.whole(1..=1_000_000)?).ok());
        let idle = fields.or("idle_seconds", 60 * SECOND, |setting| setting.duration(SECOND, 0.1..=3_600.0));
        fields.finish();
        Self { scan, page_bytes, all_bytes, request_bytes, poll, calls, connections, idle }
    }
}

/// The range of a limit in bytes. Less does not hold one line of results, and more would be held in memory.
const BYTES: std::ops::RangeInclusive<u64> = 1_024..=1_073_741_824;

const CALLS: std::ops::RangeInclusive<u64> = 1..=10_000_000;

/// Limits of the traffic with one scanner, whatever its plugin asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScannerLimits {
    /// Requests beyond this number wait. `None` is no limit.
    pub requests_per_minute: Option<NonZeroU32>,
    /// The time from sending a request until its whole answer has arrived.
    pub answer: Duration,
    /// Bytes of one answer that a plugin gets to see.
    pub answer_bytes: usize,
    /// Bytes of one report.
    pub report_bytes: u64,
}

impl ScannerLimits {
    pub(super) fn read(mut fields: Fields<'_>) -> Self {
        let requests_per_minute = fields
            .or("requests_per_minute", None, |setting| u32::try_from(setting.whole(CALLS)?).ok().map(NonZeroU32::new));
        // Less than a call's wall limit, so that the plugin can still say what happened.
        let answer = fields.or("answer_seconds", 25 * SECOND, |setting| setting.duration(SECOND, 0.1..=3_600.0));
        let mut bytes =
            |key, default: u64, most| fields.or(key, default << 20, |setting| Some(setting.whole(1..=most)? << 20));
        let answer_bytes = usize::try_from(bytes("answer_mib", 32, 1_024)).unwrap_or(usize::MAX);
        let report_bytes = bytes("report_mib", 16_384, 1_048_576);
        fields.finish();
        Self { requests_per_minute, answer, answer_bytes, report_bytes }
    }
}

/// How long ended scans, idempotency keys and audit records are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Retention {
    pub completed: Duration,
    /// Failed scans and those that ran out of time.
    pub failed: Duration,
    pub idempotency: Duration,
    /// The most bytes that the files of ended scans may take; those that nobody asked for the longest go first.
    pub most_bytes: Option<u64>,
    /// How long a record of the audit log is kept, from the day it was written.
    pub audit: Duration,
}

/// Bytes of a gibibyte.
const GIB: f64 = 1_073_741_824.0;

impl Retention {
    pub(super) fn read(mut fields: Fields<'_>) -> Self {
        let completed = fields.or("completed_days", 7 * DAY, |setting| setting.duration(DAY, 0.0001..=36_500.0));
        let failed = fields.or("failed_days", 30 * DAY, |setting| setting.duration(DAY, 0.0001..=36_500.0));
        let idempotency = fields.or("idempotency_hours", 48 * HOUR, |setting| setting.duration(HOUR, 0.0001..=8_760.0));
        let most_bytes = fields.or("max_gib", None, |setting| {
            setting.number(0.0001..=1_000_000.0).map(|gib| Some((gib * GIB).round() as u64))
        });
        let audit = fields.or("audit_days", 90 * DAY, |setting| setting.duration(DAY, 1.0..=36_500.0));
        fields.finish();
        Self { completed, failed, idempotency, most_bytes, audit }
    }
}
