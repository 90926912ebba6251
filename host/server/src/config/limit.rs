//! How much of everything, and for how long.

use std::time::Duration;

use super::fields::Fields;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// From a scan's start to its end.
    pub scan: Duration,
    /// Of one page of results over MCP.
    pub page_bytes: usize,
    /// Of all results at once (page 0) over MCP.
    pub all_bytes: usize,
    /// Of the body of an HTTP request.
    pub request_bytes: usize,
    /// Between two looks at a running scan.
    pub poll: Duration,
    /// Of one client.
    pub calls_per_minute: u32,
}

impl Limits {
    pub(super) fn read(mut fields: Fields<'_>) -> Self {
        let mut bytes = |key, default| fields.or(key, default, |setting| usize::try_from(setting.whole(BYTES)?).ok());
        let page_bytes = bytes("page_bytes", 65_536);
        let all_bytes = bytes("all_bytes", 10_485_760);
        let request_bytes = bytes("request_bytes", 4_194_304);
        let scan = fields.or("scan_hours", 24 * HOUR, |setting| setting.duration(HOUR, 0.0001..=8_760.0));
        let poll = fields.or("poll_seconds", 30 * SECOND, |setting| setting.duration(SECOND, 0.01..=3_600.0));
        let calls_per_minute =
            fields.or("calls_per_minute", 600, |setting| u32::try_from(setting.whole(1..=1_000_000)?).ok());
        fields.finish();
        Self { scan, page_bytes, all_bytes, request_bytes, poll, calls_per_minute }
    }
}

/// Less than the least does not hold one line of results; more than the most is held in memory.
const BYTES: std::ops::RangeInclusive<u64> = 1_024..=1_073_741_824;

/// How long what has ended is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Retention {
    pub completed: Duration,
    /// Failed scans and those that ran out of time.
    pub failed: Duration,
    pub idempotency: Duration,
}

impl Retention {
    pub(super) fn read(mut fields: Fields<'_>) -> Self {
        let completed = fields.or("completed_days", 7 * DAY, |setting| setting.duration(DAY, 0.0001..=36_500.0));
        let failed = fields.or("failed_days", 30 * DAY, |setting| setting.duration(DAY, 0.0001..=36_500.0));
        let idempotency = fields.or("idempotency_hours", 48 * HOUR, |setting| setting.duration(HOUR, 0.0001..=8_760.0));
        fields.finish();
        Self { completed, failed, idempotency }
    }
}
