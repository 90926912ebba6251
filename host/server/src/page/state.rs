//! Words of the program as badges: colour says the same as the word, never more.

use maud::{Markup, html};
use scanhost_app::reply::{CountsReply, StatusReply};
use scanhost_domain::finding::Severity;

/// Where a scan stands.
pub fn status(scan: &StatusReply) -> Markup {
    html! { span class=(format_args!("state {}", scan.status)) { (scan.status) } }
}

/// How far it is, while it runs.
pub fn progress(scan: &StatusReply) -> Markup {
    html! {
        div.progress {
            progress max="100" value=(scan.progress) aria-label=(format_args!("progress of {}", scan.task_id)) {}
            span.number { (scan.progress) " %" }
        }
    }
}

/// Good, or something that an operator should see.
pub fn light(is_good: bool, word: &str) -> Markup {
    html! { span class=(if is_good { "state completed" } else { "state failed" }) { (word) } }
}

/// Neither good nor bad.
pub fn neutral(word: &str) -> Markup {
    html! { span.state.cancelled { (word) } }
}

pub fn severity(severity: Severity) -> Markup {
    html! { span class=(format_args!("severity {}", class(severity))) { (severity.name()) } }
}

/// A severity that a profile's row names, or the text as it is.
pub fn severity_of(text: &str) -> Option<Markup> {
    Severity::ALL.into_iter().find(|known| known.name() == text).map(severity)
}

/// The name of its colour.
pub fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// From the worst to the mildest.
pub fn by_severity(counts: CountsReply) -> [(Severity, u64); 5] {
    let CountsReply { critical, high, medium, low, info } = counts;
    [
        (Severity::Critical, critical),
        (Severity::High, high),
        (Severity::Medium, medium),
        (Severity::Low, low),
        (Severity::Info, info),
    ]
}

/// How many findings of each severity, in a row of a list.
pub fn counts(counts: CountsReply) -> Markup {
    html! {
        span.counts {
            @for (severity, count) in by_severity(counts) {
                span class=(format_args!("count {}{}", class(severity), if count == 0 { " none" } else { "" })) {
                    span.sr { (severity.name()) " " }
                    (super::escape::number(count)) " "
                }
            }
        }
    }
}
