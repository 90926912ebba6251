//! The overview: running scans, recent scans, queues, scanners and plugins. Each part is sent again when it has changed.

use axum::{Extension, response::Response};
use maud::{Markup, html};
use scanhost_app::reply::StatusReply;
use scanhost_system::clock;

use super::{
    board::{Pool, Present, Scanner},
    document::{Page, Section, token},
    escape::{Escaped, number},
    plugins, scans,
    state::{bad, good, neutral, progress},
    table::{
        Column::{self, Number, Text},
        table,
    },
    time::{duration, parsed_timestamp, timestamp},
    trouble::Trouble,
    trouble_page::respond,
    visitor::{AuditDetails, SUBMIT_TOOL, Visitor},
};

/// A part of a page, with the element id by which the browser replaces it.
pub type Part = (&'static str, Markup);

pub async fn show(Extension(visitor): Extension<Visitor>) -> Response {
    let parts = parts(&visitor).await;
    visitor.note("overview", AuditDetails::default(), &parts);
    let page = parts.map(|parts| Page {
        title: "Overview".to_owned(),
        section: Section::Overview,
        events: Some("/events".to_owned()),
        body: html! {
            h1 { "Overview" }
            @for (_, part) in parts { (part) }
            p.hint { "All times are in UTC." }
        },
    });
    respond(&visitor, page)
}

/// All parts in their present state.
pub async fn parts(visitor: &Visitor) -> Result<Vec<Part>, Trouble> {
    let present = visitor.site.board.present(visitor.host()).await?;
    Ok(vec![
        ("glance", glance(&present)),
        ("orphans", orphans(&present)),
        ("running", running(&present.running)),
        ("recent", recent(visitor, &present.recent)),
        ("pools", pools(visitor, &present.pools)),
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
    let healthy = present.scanners.iter().filter(|line| line.scanner.enabled && is_healthy(line)).count();
    html! {
        dl #glance.glance {
            div { dt { "Running" } dd { (active) small { " of " (capacity) } } }
            div { dt { "Waiting" } dd { (number(waiting)) } }
            div.bad[healthy < enabled] { dt { "Scanners up" } dd { (healthy) small { " of " (enabled) } } }
            div.bad[letters > 0] { dt { "Dead letters" } dd { (number(letters)) } }
            @if !present.orphans.is_empty() {
                div.bad { dt { "Orphans" } dd { (present.orphans.len()) } }
            }
        }
    }
}

/// Scans at the scanners that no task owns, and whether the host may clean up there.
fn orphans(present: &Present) -> Markup {
    html! {
        section #orphans hidden[present.orphans.is_empty() && present.doubt.is_none()] aria-labelledby="orphans-title" {
            h2 #orphans-title { "Scans without a task" }
            @if let Some(doubt) = &present.doubt {
                p {
                    "The host stops and removes nothing at the scanners by itself: " (Escaped(&doubt.reason)) ". "
                    "Look at " code { "scanhost orphans list" } ". Where no other scanhost works with the original of this store, run "
                    code { "scanhost orphans trust" } "."
                }
            }
            @if !present.orphans.is_empty() {
                p {
                    "These scans carry the mark of this installation, and no task here owns them. They are left as they "
                    "are: " code { "scanhost orphans adopt" } " makes tasks of them, and "
                    code { "scanhost orphans remove" } " deletes them at the scanner."
                }
                (table(
                    &[Text("Scanner"), Text("Scan there"), Text("Task"), Text("State")],
                    html! { @for orphan in &present.orphans {
                        tr {
                            td.lead data-label="Scanner" { (orphan.scanner) }
                            td.plain data-label="Scan there" { (Escaped(&orphan.remote_id)) }
                            td.plain data-label="Task" { (orphan.task) }
                            td data-label="State" {
                                @if orphan.is_running { (bad("running")) } @else { (neutral("not running")) }
                            }
                        }
                    } },
                ))
            }
        }
    }
}

fn running(scans: &[StatusReply]) -> Markup {
    html! {
        section #running aria-labelledby="running-title" {
            h2 #running-title { "Running" }
            @if scans.is_empty() {
                p.empty { "No scan is running." }
            } @else {
                (table(
                    &[Text("Scan"), Text("Targets"), Text("Scanner"), Text("Started"), Text("Progress")],
                    html! { @for scan in scans {
                        tr id=(format_args!("running-{}", scan.task_id)) {
                            td.lead data-label="Scan" {
                                a.title href=(format_args!("/scans/{}", scan.task_id)) { (Escaped(&scan.name)) }
                            }
                            td.targets.plain data-label="Targets" { (Escaped(&scan.targets)) }
                            td.brief.plain data-label="Scanner" {
                                (scan.scanner_pool) "/" (scan.scanner_instance.as_deref().unwrap_or("–"))
                            }
                            td.brief data-label="Started" {
                                @if let Some(started) = &scan.started_at { (parsed_timestamp(started)) }
                            }
                            td.line.plain data-label="Progress" { (progress(scan)) }
                        }
                    } },
                ))
            }
        }
    }
}

fn recent(visitor: &Visitor, recent: &[StatusReply]) -> Markup {
    html! {
        section #recent aria-labelledby="recent-title" {
            h2 #recent-title { "Recent scans" }
            @if recent.is_empty() {
                div.empty {
                    p { "There are no scans yet." }
                    p {
                        "Agents submit scans with the tool " code { (SUBMIT_TOOL) } ", people on the command line with "
                        code { "scanhost scan --targets …" }
                        @if visitor.may_submit() { ", or " a href="/scans/new" { "on this page" } }
                        "."
                    }
                }
            } @else {
                (scans::scan_table("recent", recent))
                p.more { a href="/scans" { "All scans" } }
            }
        }
    }
}

fn pools(visitor: &Visitor, pools: &[Pool]) -> Markup {
    let mut columns =
        vec![Text("Pool"), Text("State"), Number("Busy"), Number("Waiting"), Text("Next"), Number("Dead letters")];
    columns.extend(visitor.may_pause().then_some(Column::Actions));
    html! {
        section #pools aria-labelledby="pools-title" {
            h2 #pools-title { "Queues" }
            (table(&columns, html! { @for pool in pools { (pool_row(visitor, pool)) } }))
            @if pools.iter().any(|pool| pool.state.dead_letters > 0) {
                p.hint {
                    a href="/scans?status=failed" { "Failed scans" } " stay dead letters until an operator retries or purges them: "
                    code { "scanhost dlq list" } "."
                }
            }
        }
    }
}

fn pool_row(visitor: &Visitor, pool: &Pool) -> Markup {
    let waited = pool.state.oldest_created_at.map(|oldest| clock::now().duration_since(oldest).as_mins());
    html! {
        tr id=(format_args!("pool-{}", pool.name)) {
            td.lead data-label="Pool" { strong { (pool.name) } @if pool.is_default { " " span.hint { "default" } } }
            td.plain data-label="State" {
                @if pool.state.paused { (neutral("paused")) } @else { (good("open")) }
            }
            td.number data-label="Busy" { (pool.active) " of " (pool.capacity) }
            td.number data-label="Waiting" {
                (number(pool.state.queue_depth))
                // In whole minutes, so that this part does not change every second.
                @if let Some(minutes) = waited.filter(|minutes| *minutes > 0) {
                    " " span.hint { "since " (duration(minutes * 60)) }
                }
            }
            td data-label="Next" {
                @if let Some(next) = pool.state.next.first() {
                    a href=(format_args!("/scans/{}", next.id)) { (Escaped(&next.name)) }
                }
            }
            td.number data-label="Dead letters" { (number(pool.state.dead_letters)) }
            @if visitor.may_pause() {
                td.actions {
                    @let (verb, word) = if pool.state.paused { ("resume", "Resume") } else { ("pause", "Pause") };
                    form method="post" action=(format_args!("/pools/{}/{verb}", pool.name)) {
                        (token(visitor))
                        button type="submit" { (word) span.sr { " pool " (pool.name) } }
                    }
                    @if pool.state.dead_letters > 0 {
                        form method="post" action=(format_args!("/pools/{}/retry", pool.name)) {
                            (token(visitor))
                            button type="submit" { "Retry dead letters" span.sr { " of pool " (pool.name) } }
                        }
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
                &[Text("Scanner"), Text("Backend"), Text("State"), Text("Breaker"), Number("Busy"), Text("Message")],
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
                @if scanner.name != scanner.instance_id { " " span.hint { (Escaped(&scanner.name)) } }
            }
            td.plain data-label="Backend" {
                (scanner.backend)
                @if let Some(url) = &scanner.url { " " span.hint.url { (Escaped(url)) } }
            }
            td data-label="State" {
                @if !scanner.enabled { (neutral("disabled")) }
                @else if let Some(up) = scanner.up { @if up { (good("up")) } @else { (bad("down")) } }
                @else { (neutral("not checked yet")) }
            }
            td data-label="Breaker" {
                @let circuit = scanner.circuit.replace('_', " ");
                @if scanner.circuit == "closed" { (good(&circuit)) } @else { (bad(&circuit)) }
            }
            td.number data-label="Busy" { (scanner.active_scans) " of " (scanner.max_concurrent_scans) }
            td.line.plain data-label="Message" {
                (Escaped(&line.message))
                @if let Some(time) = line.reported_at.filter(|_| scanner.up != Some(true)) { " " span.hint { (timestamp(time)) } }
            }
        }
    }
}

fn is_healthy(line: &Scanner) -> bool {
    line.scanner.up == Some(true) && line.scanner.circuit == "closed"
}
