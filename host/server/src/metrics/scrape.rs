//! The answer to a scrape: what was counted and what is so now, in Prometheus' text format.

use prometheus::TextEncoder;

use super::gauges;
use crate::{host::Host, mcp};

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;

/// Everything of this process, and what it shares with the others.
pub async fn text(host: &Host) -> String {
    let snapshot = host.snapshot.load_full();
    host.metrics.expect(&snapshot, mcp::tool_names());
    let mut families = host.metrics.registry.gather();
    families.extend(gauges::read(host, &snapshot).await.gather());
    let mut text = String::new();
    TextEncoder::new().encode_utf8(&families, &mut text).expect("families are whole, and a string takes all text");
    text
}
