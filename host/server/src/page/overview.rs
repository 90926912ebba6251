//! The overview: what runs, what waits, how the scanners are, what came in last. Each part of it is sent again when it has
//! changed.

use axum::{Extension, response::Response};
use maud::{Markup, html};
use scanhost_app::reply::StatusReply;
use scanhost_system::clock;

use super::{
    board::{Pool, Present, Scanner},
    document::{Page, Place, token},
    escape::{Told, number},
    page_request::{About, SUBMIT_TOOL, Visit},
    plugins, scans,
    state::{light, neutral, progress},
    table::{
        Column::{self, Number, Text},
        table,
    },
    time::{moment, moment_of, span},
    trouble::Trouble,
    trouble_page::respond,
};

/// What a browser finds again by its name.
pub type Part = (&'static str, Markup);

pub async fn show(Extension(visit): Extension<Visit>) -> Response {
    let parts = parts(&visit).await;
    visit.note("overview", About::default(), &parts);
    let page = parts.map(|parts| Page {
        title: "Overview".to_owned(),
        place: Place::Overview,
        events: Some("/events".to_owned()),
        body: html! {
            h1 { "Overview" }
            @for (_, part) in parts { (part) }
            p.hint { "All times are in UTC." }
        },
    });
    respond(&visit, page)
}

/// All parts as they are now.
///
/// # Errors
/// When the store cannot be read.
pub async fn parts(visit: &Visit) -> Result<Vec<Part>, Trouble> {
    let present = visit.site.board.present(visit.host()).await?;
    Ok(vec![
        ("glance", glance(&present)),
        ("running", running(&present.running)),
        ("recent", recent(visit, &present.recent)),
        ("pools", pools(visit, &present.pools)),
        ("scanners", scanners(&present.scanners)),
        ("plugins", plugins::part(&present)),
    ])
}

fn glance(present: &Present) -> Markup {
    let active: u32 = present.pools.iter().map(|pool| pool.active).sum();
    let capacity: u32 = present.pools.iter().map(|pool| pool.capacity).sum();
    let waiting: u64 = present.pools.iter().map(|pool| pool.state.queue_depth).sum();
    let letters: u64 = present.pools.iter().map(|pool| pool.state.dead_letters).sum();
    let enabled = present.scanners.iter().filter(|line| line.scanner.enabled).count();
    let well = present.scanners.iter().filter(|line| line.scanner.enabled && is_well(line)).count();
    html! {
        dl #glance.glance {
            div { dt { "Running" } dd { (active) small { " of " (capacity) } } }
            div { dt { "Waiting" } dd { (number(waiting)) } }
            div.bad[well < enabled] { dt { "Scanners up" } dd { (well) small { " of " (enabled) } } }
            div.bad[letters > 0] { dt { "Dead letters" } dd { (number(letters)) } }
        }
    }
}

fn running(scans: &[StatusReply]) -> Markup {
    html! {
        section #running aria-labelledby="running-title" {
            h2 #running-title { "Running" }
            @if scans.is_empty() {
                p.empty { "Nothing runs now." }
            } @else {
                (table(
                    &[Text("Scan"), Text("Targets"), Text("Scanner"), Text("Started"), Text("Progress")],
                    html! { @for scan in scans {
                        tr id=(format_args!("running-{}", scan.task_id)) {
                            td.lead data-label="Scan" {
                                a.title href=(format_args!("/scans/{}", scan.task_id)) { (Told(&scan.name)) }
                            }
                            td.targets.plain data-label="Targets" { (Told(&scan.targets)) }
                            td.brief.plain data-label="Scanner" {
                                (scan.scanner_pool) "/" (scan.scanner_instance.as_deref().unwrap_or("–"))
                            }
                            td.brief data-label="Started" {
                                @if let Some(started) = &scan.started_at { (moment_of(started)) }
                            }
                            td.line.plain data-label="Progress" { (progress(scan)) }
                        }
                    } },
                ))
            }
        }
    }
}

fn recent(visit: &Visit, recent: &[StatusReply]) -> Markup {
    html! {
        section #recent aria-labelledby="recent-title" {
            h2 #recent-title { "Recent scans" }
            @if recent.is_empty() {
                div.empty {
                    p { "There are no scans yet." }
                    p {
                        "An agent submits one with the tool " code { (SUBMIT_TOOL) } ", somebody at the command line with "
                        code { "scanhost scan --targets …" }
                        @if visit.may_submit() { ", and you " a href="/scans/new" { "here" } }
                        "."
                    }
                }
            } @else {
                (scans::listed("recent", recent))
                p.more { a href="/scans" { "All scans" } }
            }
        }
    }
}

fn pools(visit: &Visit, pools: &[Pool]) -> Markup {
    let mut columns =
        vec![Text("Pool"), Text("State"), Number("Busy"), Number("Waiting"), Text("Next"), Number("Dead letters")];
    columns.extend(visit.may_pause().then_some(Column::Actions));
    html! {
        section #pools aria-labelledby="pools-title" {
            h2 #pools-title { "Queues" }
            (table(&columns, html! { @for pool in pools { (pool_row(visit, pool)) } }))
            @if pools.iter().any(|pool| pool.state.dead_letters > 0) {
                p.hint {
                    a href="/scans?status=failed" { "Failed scans" } " stay dead letters until an operator retries or purges them: "
                    code { "scanhost dlq list" } "."
                }
            }
        }
    }
}

fn pool_row(visit: &Visit, pool: &Pool) -> Markup {
    let waited = pool.state.oldest_created_at.map(|oldest| clock::now().duration_since(oldest).as_mins());
    html! {
        tr id=(format_args!("pool-{}", pool.name)) {
            td.lead data-label="Pool" { strong { (pool.name) } @if pool.is_default { " " span.hint { "default" } } }
            td.plain data-label="State" {
                @if pool.state.paused { (neutral("paused")) } @else { (light(true, "open")) }
            }
            td.number data-label="Busy" { (pool.active) " of " (pool.capacity) }
            td.number data-label="Waiting" {
                (number(pool.state.queue_depth))
                // In minutes: a second that passes is no change.
                @if let Some(minutes) = waited.filter(|minutes| *minutes > 0) {
                    " " span.hint { "since " (span(minutes * 60)) }
                }
            }
            td data-label="Next" {
                @if let Some(next) = pool.state.next.first() {
                    a href=(format_args!("/scans/{}", next.id)) { (Told(&next.name)) }
                }
            }
            td.number data-label="Dead letters" { (number(pool.state.dead_letters)) }
            @if visit.may_pause() {
                td.actions {
                    @let (verb, word) = if pool.state.paused { ("resume", "Resume") } else { ("pause", "Pause") };
                    form method="post" action=(format_args!("/pools/{}/{verb}", pool.name)) {
                        (token(visit))
                        button type="submit" { (word) span.sr { " pool " (pool.name) } }
                    }
                }
            }
        }
    }
}

fn scanners(lines: &[Scanner]) -> Markup {
    html! {
        section #scanners aria-labelledby="scanners-title" {
            h2 #scanners-title { "Scanners" }
            (table(
                &[Text("Scanner"), Text("Backend"), Text("State"), Text("Breaker"), Number("Busy"), Text("Says")],
                html! { @for line in lines { (scanner_row(line)) } },
            ))
        }
    }
}

fn scanner_row(line: &Scanner) -> Markup {
    let scanner = &line.scanner;
    html! {
        tr id=(format_args!("scanner-{}-{}", scanner.pool, scanner.instance_id)) {
            td.lead data-label="Scanner" {
                strong { (scanner.pool) "/" (scanner.instance_id) }
                @if scanner.name != scanner.instance_id { " " span.hint { (Told(&scanner.name)) } }
            }
            td.plain data-label="Backend" {
                (scanner.backend)
                @if let Some(url) = &scanner.url { " " span.hint.url { (Told(url)) } }
            }
            td data-label="State" {
                @if !scanner.enabled { (neutral("disabled")) }
                @else if line.reported_at.is_none() { (neutral("not asked yet")) }
                @else { (light(scanner.up, if scanner.up { "up" } else { "down" })) }
            }
            td data-label="Breaker" { (light(scanner.circuit == "closed", &scanner.circuit.replace('_', " "))) }
            td.number data-label="Busy" { (scanner.active_scans) " of " (scanner.max_concurrent_scans) }
            td.line.plain data-label="Says" {
                (Told(&line.message))
                @if let Some(time) = line.reported_at.filter(|_| !scanner.up) { " " span.hint { (moment(time)) } }
            }
        }
    }
}

fn is_well(line: &Scanner) -> bool {
    line.scanner.up && line.scanner.circuit == "closed"
}
