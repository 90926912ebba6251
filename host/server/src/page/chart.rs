//! How many findings of each severity, as bars. Each leads to its findings.

use maud::{Markup, html};
use scanhost_app::reply::CountsReply;

use super::{
    escape::number,
    question::Question,
    state::{by_severity, class},
};

/// The address of a scan's page with a question is `address`.
pub fn severities(address: &str, counts: CountsReply) -> Markup {
    let bars = by_severity(counts);
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    html! {
        ul.chart aria-label="Findings by severity" {
            @for (severity, count) in bars {
                li {
                    @let filter = Question::default().with_filter("severity", severity.name());
                    @if count == 0 {
                        span.label { (severity.name()) }
                    } @else {
                        a.label href=(format_args!("{address}?{}#findings", filter.query())) { (severity.name()) }
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

/// In percent of the longest bar. What there is at all can be seen.
fn width(count: u64, most: u64) -> u64 {
    if count == 0 { 0 } else { (count.saturating_mul(100) / most).max(1) }
}
