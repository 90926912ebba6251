//! The list of scans.

use axum::{Extension, extract::RawQuery, response::Response};
use maud::{Markup, html};
use scanhost_app::{
    reply::StatusReply,
    scans::list::{Args, list},
};
use scanhost_domain::scan::Status;
use serde_json::{Map, Value as Json};
use url::form_urlencoded::{self, Serializer};

use super::{
    document::{Page, Section},
    escape::{Escaped, plain},
    state::{counts, status},
    table::{Column::Text, table},
    time::{between, parsed_timestamp},
    trouble::Trouble,
    visitor::{AuditDetails, Visitor},
};

/// Scans on a page.
const ON_A_PAGE: i64 = 30;

/// What the list can be narrowed by, as the tool calls it.
const NARROWING: [&str; 3] = ["status", "scanner_pool", "target"];
const CURSOR: &str = "cursor";

pub async fn show(Extension(visitor): Extension<Visitor>, RawQuery(query): RawQuery) -> Response {
    let mut given: Map<String, Json> = Map::new();
    for (name, text) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let is_ours = NARROWING.contains(&name.as_ref()) || name == CURSOR;
        if is_ours && !text.trim().is_empty() {
            given.insert(name.into_owned(), text.trim().into());
        }
    }
    let asked = |name: &str| given.get(name).and_then(Json::as_str).unwrap_or_default();
    let argument = |name: &str| Some(asked(name).to_owned()).filter(|text| !text.is_empty());
    let args = Args {
        status: argument("status"),
        scanner_pool: argument("scanner_pool"),
        target: argument("target"),
        cursor: argument(CURSOR),
        limit: ON_A_PAGE,
        ..Args::default()
    };
    let listed = list(visitor.host(), args).await.map_err(Trouble::from);
    visitor.note(
        "list_scans",
        AuditDetails { pool: given.get("scanner_pool").and_then(Json::as_str), ..AuditDetails::default() },
        &listed,
    );
    let is_narrowed = NARROWING.iter().any(|name| given.contains_key(*name));
    let body = html! {
        h1 { "Scans" }
        (narrowing(&visitor, &asked))
        @match &listed {
            Err(trouble) => (trouble.message()),
            Ok(listed) if listed.scans.is_empty() => (none(&visitor, is_narrowed)),
            Ok(listed) => {
                (self::listed("list", &listed.scans))
                nav.pages aria-label="Pages" {
                    @if given.contains_key(CURSOR) { a href=(address(&given, None)) { "Newest" } }
                    @if let Some(next) = &listed.next_cursor { a href=(address(&given, Some(next))) { "Older" } }
                }
            }
        }
        p.hint { "All times are in UTC." }
    };
    let code = listed.as_ref().map_or_else(Trouble::code, |_| axum::http::StatusCode::OK);
    Page { title: "Scans".to_owned(), section: Section::Scans, events: None, body }.respond(&visitor, code)
}

fn narrowing<'a>(visitor: &Visitor, asked: &impl Fn(&str) -> &'a str) -> Markup {
    let snapshot = visitor.host().snapshot.load();
    html! {
        form.bar method="get" action="/scans" {
            div.field {
                label for="status" { "Status" }
                select #status name="status" {
                    option value="" { "any" }
                    @for status in Status::ALL.map(Status::name) {
                        option value=(status) selected[asked("status") == status] { (status) }
                    }
                }
            }
            div.field {
                label for="pool" { "Pool" }
                select #pool name="scanner_pool" {
                    option value="" { "any" }
                    @for pool in &snapshot.config.pools {
                        option value=(pool.name.as_str()) selected[asked("scanner_pool") == pool.name.as_str()] { (pool.name.as_str()) }
                    }
                }
            }
            div.field {
                label for="target" { "Target" }
                input #target name="target" value=(plain(asked("target"))) placeholder="10.0.0.0/24" autocomplete="off"
                    spellcheck="false";
            }
            button type="submit" { "Show" }
        }
    }
}

fn none(visitor: &Visitor, is_narrowed: bool) -> Markup {
    html! {
        div.empty {
            @if is_narrowed {
                p { "No scan is like that. A target matches scans that contain or overlap it." }
                p { a href="/scans" { "Show all scans" } }
            } @else {
                p { "There are no scans." }
                @if visitor.may_submit() { p { a href="/scans/new" { "Submit one" } } }
            }
        }
    }
}

fn address(given: &Map<String, Json>, cursor: Option<&str>) -> String {
    let mut query = Serializer::new(String::new());
    for (name, text) in given.iter().filter(|(name, _)| *name != CURSOR) {
        query.append_pair(name, text.as_str().unwrap_or_default());
    }
    if let Some(cursor) = cursor {
        query.append_pair(CURSOR, cursor);
    }
    format!("/scans?{}", query.finish())
}

/// Scans as a table. Its rows are told apart from those of another by its name.
pub fn listed(name: &str, scans: &[StatusReply]) -> Markup {
    table(
        &[
            Text("Scan"),
            Text("Status"),
            Text("Targets"),
            Text("Pool"),
            Text("Submitted"),
            Text("Took"),
            Text("Findings"),
        ],
        html! { @for scan in scans { (row(name, scan)) } },
    )
}

fn row(name: &str, scan: &StatusReply) -> Markup {
    html! {
        tr id=(format_args!("{name}-{}", scan.task_id)) {
            td.lead data-label="Scan" { a.title href=(format_args!("/scans/{}", scan.task_id)) { (Escaped(&scan.name)) } }
            td.plain data-label="Status" {
                (status(scan))
                @if scan.status == "running" { " " span.hint { (scan.progress) " %" } }
                @if let Some(place) = scan.queue_position { " " span.hint { "place " (place) } }
            }
            td.targets.plain data-label="Targets" { (Escaped(&scan.targets)) }
            td.brief.plain data-label="Pool" { (scan.scanner_pool) }
            td.brief.plain data-label="Submitted" { (parsed_timestamp(&scan.created_at)) }
            td.brief data-label="Took" {
                (between(scan.started_at.as_deref(), scan.completed_at.as_deref()).unwrap_or_default())
            }
            td.plain data-label="Findings" {
                @match (&scan.results_summary, &scan.error) {
                    (Some(summary), _) => (counts(summary.severity_counts)),
                    (None, Some(error)) => span.hint { (error.code.replace('_', " ")) },
                    (None, None) => {}
                }
            }
        }
    }
}
