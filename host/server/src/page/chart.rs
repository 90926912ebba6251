//! A bar for each severity with the number of its findings. Each bar is a link to them.

use maud::{Markup, html};
use scanhost_app::reply::CountsReply;

use super::{
    escape::number,
    findings_query::FindingsQuery,
    state::{by_severity, class},
};

/// Draws the bars. `address` is the address of the scan's page.
pub fn severities(address: &str, counts: CountsReply) -> Markup {
    let bars = by_severity(counts);
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    html! {
        ul.chart aria-label="Findings by severity" {
            @for (severity, count) in bars {
                li {
                    @let filter = FindingsQuery::default().with_filter("severity", severity.name());
                    @if count == 0 {
                        span.label { (severity.name()) }
                    } @else {
                        a.label href=(format_args!("{address}?{}#findings", filter.encode())) { (severity.name()) }
                    }
                    svg.gauge viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                        rect.track width="100" height="10" {}
                        rect class=(class(severity)) width=(width(count, most)) height="10" {}
                    }
                    span.number { (number(count)) }
                }
            }
        }
    }
}

/// The width of a bar in percent of the longest one. A count above zero is never invisible.
fn width(count: u64, most: u64) -> u64 {
    if count == 0 { 0 } else { (count.saturating_mul(100) / most).max(1) }
}
