//! Badges for words of the program. The colour only repeats what the word says.

use maud::{Markup, html};
use scanhost_app::reply::{CountsReply, StatusReply};
use scanhost_domain::finding::Severity;

/// The status of a scan.
pub fn status(scan: &StatusReply) -> Markup {
    html! { span class=(format_args!("state {}", scan.status)) { (scan.status) } }
}

/// The progress of a running scan.
pub fn progress(scan: &StatusReply) -> Markup {
    html! {
        div.progress {
            progress max="100" value=(scan.progress) aria-label=(format_args!("progress of {}", scan.task_id)) {}
            span.number { (scan.progress) " %" }
        }
    }
}

/// A badge for a good state.
pub fn good(word: &str) -> Markup {
    html! { span.state.completed { (word) } }
}

/// A badge for a state that an operator should look at.
pub fn bad(word: &str) -> Markup {
    html! { span.state.failed { (word) } }
}

/// A badge for a state that is neither good nor bad.
pub fn neutral(word: &str) -> Markup {
    html! { span.state.cancelled { (word) } }
}

pub fn severity(severity: Severity) -> Markup {
    html! { span class=(format_args!("severity {}", class(severity))) { (severity.name()) } }
}

/// The badge of the severity with this name, if there is one.
pub fn severity_of(text: &str) -> Option<Markup> {
    Severity::ALL.into_iter().find(|known| known.name() == text).map(severity)
}

/// The CSS class of a severity.
pub fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// The counts, from the worst severity to the mildest.
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

/// The number of findings of each severity, for a row of a list.
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
