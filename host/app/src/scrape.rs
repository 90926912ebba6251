//! The answer to a scrape: what was counted and what is so now, in Prometheus' text format.

mod gauges;

use prometheus::TextEncoder;

use crate::host::Host;

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;

/// Everything of this process, and what it shares with the others. `tools` and `routes` are the names that are counted
/// from 0 on.
pub async fn text(
    host: &Host,
    tools: impl Iterator<Item = &'static str>,
    routes: impl Iterator<Item = &'static str>,
) -> String {
    let snapshot = host.snapshot.load_full();
    host.metrics.begin_at_zero(&snapshot, tools, routes);
    let mut families = host.metrics.gather();
    families.extend(gauges::read(host, &snapshot).await.gather());
    let mut text = String::new();
    TextEncoder::new().encode_utf8(&families, &mut text).expect("families are whole, and a string takes all text");
    text
}
