//! One scan: where it stands or how it ended, what it found, and what can be done with it.

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
    chart::severities,
    document::{Page, Place, token},
    escape::{Told, number},
    findings,
    overview::Part,
    page_request::{About, Visit},
    question::Question,
    state::{progress, status},
    time::{between, moment_of},
    trouble::Trouble,
};

pub async fn show(Extension(visit): Extension<Visit>, Path(id): Path<String>, RawQuery(query): RawQuery) -> Response {
    let question = Question::parse(&query.unwrap_or_default());
    match look(&visit, &id).await {
        Err(trouble) => {
            visit.note::<()>(
                "get_scan_status",
                About { task_id: Some(&id), ..About::default() },
                &Err(trouble.clone()),
            );
            trouble.for_visitors(&visit)
        }
        Ok((scan, reply)) => {
            let (results, code) = match scan.status() {
                Status::Completed => findings::part(&visit, &scan, &question).await,
                _ => (html! {}, StatusCode::OK),
            };
            let action = if scan.status() == Status::Completed { "get_scan_results" } else { "get_scan_status" };
            visit.note(action, About { task_id: Some(&reply.task_id), ..About::default() }, &Ok(()));
            let page = Page {
                title: reply.name.clone(),
                place: Place::Elsewhere,
                events: (!scan.is_finished()).then(|| format!("/scans/{}/events", reply.task_id)),
                body: html! {
                    (heading(&visit, &reply))
                    @for (_, part) in parts_of(&scan, &reply) { (part) }
                    (results)
                    (details(&scan, &reply))
                },
            };
            page.respond(&visit, code)
        }
    }
}

/// The parts that change while it runs, and whether it has ended.
///
/// # Errors
/// When there is no such scan, or the store cannot be read.
pub async fn parts(visit: &Visit, id: &str) -> Result<(Vec<Part>, bool), Trouble> {
    let (scan, reply) = look(visit, id).await?;
    Ok((parts_of(&scan, &reply), scan.is_finished()))
}

async fn look(visit: &Visit, id: &str) -> Result<(Scan, StatusReply), Trouble> {
    let scan = find::scan(visit.host(), id).await?;
    let position = visit.host().store.position(&scan).await.map_err(scanhost_app::refusal::Refusal::from)?;
    let reply = StatusReply::new(&scan, position);
    Ok((scan, reply))
}

fn heading(visit: &Visit, reply: &StatusReply) -> Markup {
    let address = format!("/scans/{}", reply.task_id);
    let is_active = matches!(reply.status, "queued" | "running");
    html! {
        div.heading {
            div {
                h1 { (Told(&reply.name)) }
                p.sub { span.targets { (Told(&reply.targets)) } }
            }
            div.actions {
                @if is_active && visit.may_call("cancel_scan") {
                    form method="post" action=(format_args!("{address}/cancel")) {
                        (token(visit))
                        button type="submit" { "Cancel scan" }
                    }
                }
                @if reply.status == "completed" {
                    a.button href=(format_args!("/compare?task_id={}", reply.task_id)) { "Compare" }
                }
                @if visit.may_call("delete_scan") {
                    details.ask {
                        summary { "Delete" }
                        form method="post" action=(format_args!("{address}/delete")) {
                            (token(visit))
                            @if is_active { input type="hidden" name="force" value="true"; }
                            p {
                                @if is_active { "This stops the scan, and removes it for good." }
                                @else { "This removes the scan, its findings and its report for good." }
                            }
                            button.danger type="submit" { "Delete for good" }
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
                @if let Some(place) = reply.queue_position { " place " (place) " in the queue of " (reply.scanner_pool) }
                @if let Some(took) = between(reply.started_at.as_deref(), reply.completed_at.as_deref()) { " after " (took) }
            }
            @if let ScanState::Running(running) = &scan.state {
                (progress(reply))
                (steps(running.phase.name()))
                @if running.cancel_requested { p.callout { "The scanner is being told to stop." } }
                @if running.retries > 0 { p.hint { "Calls to the scanner that failed and were tried again: " (running.retries) } }
            }
            @if reply.status == "queued" { p.hint { "It starts as soon as a scanner of its pool is free." } }
            @if let Some(error) = &reply.error {
                div.callout.bad {
                    p { strong { (error.code.replace('_', " ")) } ": " (Told(&error.message)) }
                    p { "Submit it again once that is mended. The runbook in config/RUNBOOK.md explains each code." }
                }
            }
            @for warning in &reply.warnings {
                div.callout.warn { p { strong { (Told(&warning.code.replace('_', " "))) } ": " (Told(&warning.message)) } }
            }
        }
    }
}

/// Where in its course a running scan is.
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
                @let is_over = phases.iter().all(|of| *of < phase);
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
                @if let Some(about) = &scan.request.description { (row("What for", html! { (Told(about)) })) }
                (row("Task id", html! { code { (reply.task_id) } }))
                (row("Trace id", html! { code { (reply.trace_id) } }))
                (row("Type", html! { (reply.scan_type) }))
                (row("Scanner", html! {
                    (reply.scanner_pool) @if let Some(instance) = &reply.scanner_instance { "/" (instance) }
                }))
                @if let Some(backend) = &reply.backend {
                    (row("Backend", html! {
                        (backend) @if let Some(plugin) = plugin { " " (Told(&plugin.version)) }
                    }))
                }
                (row("Submitted", moment_of(&reply.created_at)))
                @if let Some(time) = &reply.started_at { (row("Started", moment_of(time))) }
                @if let Some(time) = &reply.completed_at { (row("Ended", moment_of(time))) }
                @if let ScanState::Running(running) = &scan.state {
                    (row("Phase", html! { (running.phase.name().name()) }))
                }
                @if reply.attempts > 0 { (row("Attempts", html! { (reply.attempts) })) }
                @if let Some(id) = &reply.remote_scan_id { (row("Id at the scanner", html! { code { (Told(id)) } })) }
                @if let Some(id) = &reply.retry_of {
                    (row("Runs again", html! { a href=(format_args!("/scans/{id}")) { code { (id) } } }))
                }
                @if let Some(status) = reply.authentication_status {
                    (row("Login at the targets", html! { (status.replace('_', " ")) }))
                }
            }
            p.hint { "All times are in UTC." }
        }
    }
}

/// What it found, in numbers.
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
