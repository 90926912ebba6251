//! The numbers of a scan, above its findings.

use maud::{Markup, html};
use scanhost_app::reply::StatusReply;

use super::{chart::severities, escape::number};

/// The number of hosts and of findings by severity.
pub fn summary(reply: &StatusReply, address: &str) -> Markup {
    let Some(summary) = &reply.results_summary else { return html! {} };
    html! {
        div.summary {
            dl.glance {
                div { dt { "Hosts" } dd { (number(summary.hosts_scanned.into())) } }
                div { dt { "Findings" } dd { (number(summary.total_vulnerabilities)) } }
            }
            (severities(address, summary.severity_counts))
        }
    }
}
