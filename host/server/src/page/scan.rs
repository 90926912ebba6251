//! The page of one scan: its status, its findings, and what can be done with it.

use axum::{
    Extension,
    extract::{Path, RawQuery},
    http::StatusCode,
    response::Response,
};
use maud::{Markup, html};
use scanhost_app::{find, reply::StatusReply};
use scanhost_domain::scan::{PhaseName, Scan, ScanState, Status};

use super::{
    document::{Page, Section, token},
    escape::Escaped,
    findings,
    findings_query::FindingsQuery,
    overview::Part,
    state::{progress, status},
    time::{between, parsed_timestamp},
    trouble::Trouble,
    visitor::{AuditDetails, Visitor},
};

pub async fn show(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = FindingsQuery::parse(&query.unwrap_or_default());
    match read(&visitor, &id).await {
        Err(trouble) => {
            visitor.note::<()>(
                "get_scan_status",
                AuditDetails { task_id: Some(&id), ..AuditDetails::default() },
                &Err(trouble.clone()),
            );
            trouble.for_visitors(&visitor)
        }
        Ok((scan, reply)) => {
            let (results, code) = match scan.status() {
                Status::Completed => findings::part(&visitor, &scan, &query).await,
                _ => (html! {}, StatusCode::OK),
            };
            let action = if scan.status() == Status::Completed { "get_scan_results" } else { "get_scan_status" };
            visitor.note(action, AuditDetails { task_id: Some(&reply.task_id), ..AuditDetails::default() }, &Ok(()));
            let page = Page {
                title: reply.name.clone(),
                section: Section::Elsewhere,
                events: (!scan.is_finished()).then(|| format!("/scans/{}/events", reply.task_id)),
                body: html! {
                    (heading(&visitor, &reply))
                    @for (_, part) in parts_of(&scan, &reply) { (part) }
                    (results)
                    (details(&scan, &reply))
                },
            };
            page.respond(&visitor, code)
        }
    }
}

/// The parts that change while the scan runs, and whether it has ended.
pub async fn parts(visitor: &Visitor, id: &str) -> Result<(Vec<Part>, bool), Trouble> {
    let (scan, reply) = read(visitor, id).await?;
    Ok((parts_of(&scan, &reply), scan.is_finished()))
}

async fn read(visitor: &Visitor, id: &str) -> Result<(Scan, StatusReply), Trouble> {
    let scan = find::scan(visitor.host(), id).await?;
    let position = visitor.host().scans.position(&scan).await.map_err(scanhost_app::refusal::Refusal::from)?;
    let reply = StatusReply::new(&scan, position);
    Ok((scan, reply))
}

fn heading(visitor: &Visitor, reply: &StatusReply) -> Markup {
    let address = format!("/scans/{}", reply.task_id);
    let is_active = matches!(reply.status, "queued" | "running");
    html! {
        div.heading {
            div {
                h1 { (Escaped(&reply.name)) }
                p.sub { span.targets { (Escaped(&reply.targets)) } }
            }
            div.actions {
                @if is_active && visitor.may_call("cancel_scan") {
                    form method="post" action=(format_args!("{address}/cancel")) {
                        (token(visitor))
                        button type="submit" { "Cancel scan" }
                    }
                }
                @if reply.status == "completed" {
                    a.button href=(format_args!("/compare?task_id={}", reply.task_id)) { "Compare" }
                }
                @if visitor.may_call("delete_scan") {
                    details.ask {
                        summary { "Delete" }
                        form method="post" action=(format_args!("{address}/delete")) {
                            (token(visitor))
                            @if is_active { input type="hidden" name="force" value="true"; }
                            p {
                                @if is_active { "This stops the scan and deletes it permanently." }
                                @else { "This permanently deletes the scan, its findings and its report." }
                            }
                            button.danger type="submit" { "Delete permanently" }
                        }
                    }
                }
            }
        }
    }
}

fn parts_of(scan: &Scan, reply: &StatusReply) -> Vec<Part> {
    vec![("standing", standing(scan, reply))]
}

fn standing(scan: &Scan, reply: &StatusReply) -> Markup {
    html! {
        section #standing aria-label="Status" {
            p.standing role="status" {
                (status(reply))
                @if let Some(position) = reply.queue_position { " position " (position) " in the queue of " (reply.scanner_pool) }
                @if let Some(took) = between(reply.started_at.as_deref(), reply.completed_at.as_deref()) { " after " (took) }
            }
            @if let ScanState::Running(running) = &scan.state {
                (progress(reply))
                (steps(running.phase.name()))
                @if running.cancel_requested { p.callout { "The scan is being cancelled at the scanner." } }
                @if running.retries > 0 { p.hint { "Failed calls to the scanner that were retried: " (running.retries) } }
            }
            @if reply.status == "queued" { p.hint { "The scan starts as soon as a scanner of its pool is free." } }
            @if let Some(error) = &reply.error {
                div.callout.bad {
                    p { strong { (error.code.replace('_', " ")) } ": " (Escaped(&error.message)) }
                    p { "Fix the cause, then submit the scan again. The runbook in config/RUNBOOK.md explains each code." }
                }
            }
            @for warning in &reply.warnings {
                div.callout.warn { p { strong { (Escaped(&warning.code.replace('_', " "))) } ": " (Escaped(&warning.message)) } }
            }
        }
    }
}

/// The steps of a running scan, with the present one marked.
fn steps(phase: PhaseName) -> Markup {
    let names = [
        ("Claimed", [PhaseName::Claimed].as_slice()),
        ("Creating", &[PhaseName::Creating, PhaseName::Created]),
        ("Launching", &[PhaseName::Launching]),
        ("Scanning", &[PhaseName::Launched]),
        ("Exporting", &[PhaseName::Exporting]),
        ("Reading", &[PhaseName::Ingesting]),
    ];
    html! {
        ol.steps aria-label="Steps" {
            @for (name, phases) in names {
                @let is_now = phases.contains(&phase);
                @let is_over = phases.iter().all(|step| *step < phase);
                li.over[is_over] aria-current=[is_now.then_some("step")] { (name) }
            }
        }
    }
}

fn details(scan: &Scan, reply: &StatusReply) -> Markup {
    let plugin = match &scan.state {
        ScanState::Running(running) => Some(&running.slot.plugin),
        ScanState::Finished(finished) => finished.run.as_ref().map(|run| &run.slot.plugin),
        ScanState::Queued(_) => None,
    };
    let row = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    html! {
        section aria-labelledby="details-title" {
            h2 #details-title { "About this scan" }
            dl.facts {
                @if let Some(about) = &scan.request.description { (row("Purpose", html! { (Escaped(about)) })) }
                (row("Task id", html! { code { (reply.task_id) } }))
                (row("Trace id", html! { code { (reply.trace_id) } }))
                (row("Type", html! { (reply.scan_type) }))
                (row("Scanner", html! {
                    (reply.scanner_pool) @if let Some(instance) = &reply.scanner_instance { "/" (instance) }
                }))
                @if let Some(backend) = &reply.backend {
                    (row("Backend", html! {
                        (backend) @if let Some(plugin) = plugin { " " (Escaped(&plugin.version)) }
                    }))
                }
                (row("Submitted", parsed_timestamp(&reply.created_at)))
                @if let Some(time) = &reply.started_at { (row("Started", parsed_timestamp(time))) }
                @if let Some(time) = &reply.completed_at { (row("Ended", parsed_timestamp(time))) }
                @if let ScanState::Running(running) = &scan.state {
                    (row("Phase", html! { (running.phase.name().name()) }))
                }
                @if reply.attempts > 0 { (row("Attempts", html! { (reply.attempts) })) }
                @if let Some(id) = &reply.remote_scan_id { (row("Id at the scanner", html! { code { (Escaped(id)) } })) }
                @if let Some(id) = &reply.retry_of {
                    (row("Retry of", html! { a href=(format_args!("/scans/{id}")) { code { (id) } } }))
                }
                @if let Some(status) = reply.authentication_status {
                    (row("Login at the targets", html! { (status.replace('_', " ")) }))
                }
            }
            p.hint { "All times are in UTC." }
        }
    }
}
