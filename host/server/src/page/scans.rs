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

/// The number of scans on one page.
const SCANS_PER_PAGE: i64 = 30;

/// The filters of the list, under the names that the tool has for them.
const FILTERS: [&str; 3] = ["status", "scanner_pool", "target"];
const CURSOR: &str = "cursor";

pub async fn show(Extension(visitor): Extension<Visitor>, RawQuery(query): RawQuery) -> Response {
    let mut parameters: Map<String, Json> = Map::new();
    for (name, text) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let is_known = FILTERS.contains(&name.as_ref()) || name == CURSOR;
        if is_known && !text.trim().is_empty() {
            parameters.insert(name.into_owned(), text.trim().into());
        }
    }
    let parameter = |name: &str| parameters.get(name).and_then(Json::as_str).unwrap_or_default();
    let argument = |name: &str| Some(parameter(name).to_owned()).filter(|text| !text.is_empty());
    let args = Args {
        status: argument("status"),
        scanner_pool: argument("scanner_pool"),
        target: argument("target"),
        cursor: argument(CURSOR),
        limit: SCANS_PER_PAGE,
        ..Args::default()
    };
    let listed = list(visitor.host(), args).await.map_err(Trouble::from);
    visitor.note(
        "list_scans",
        AuditDetails { pool: parameters.get("scanner_pool").and_then(Json::as_str), ..AuditDetails::default() },
        &listed,
    );
    let is_filtered = FILTERS.iter().any(|name| parameters.contains_key(*name));
    let body = html! {
        h1 { "Scans" }
        (filter_form(&visitor, &parameter))
        @match &listed {
            Err(trouble) => (trouble.message()),
            Ok(listed) if listed.scans.is_empty() => (empty_list(&visitor, is_filtered)),
            Ok(listed) => {
                (scan_table("list", &listed.scans))
                nav.pages aria-label="Pages" {
                    @if parameters.contains_key(CURSOR) { a href=(page_address(&parameters, None)) { "Newest" } }
                    @if let Some(next) = &listed.next_cursor { a href=(page_address(&parameters, Some(next))) { "Older" } }
                }
            }
        }
        p.hint { "All times are in UTC." }
    };
    let code = listed.as_ref().map_or_else(Trouble::code, |_| axum::http::StatusCode::OK);
    Page { title: "Scans".to_owned(), section: Section::Scans, events: None, body }.respond(&visitor, code)
}

fn filter_form<'a>(visitor: &Visitor, parameter: &impl Fn(&str) -> &'a str) -> Markup {
    let snapshot = visitor.host().snapshot.load();
    html! {
        form.bar method="get" action="/scans" {
            div.field {
                label for="status" { "Status" }
                select #status name="status" {
                    option value="" { "any" }
                    @for status in Status::ALL.map(Status::name) {
                        option value=(status) selected[parameter("status") == status] { (status) }
                    }
                }
            }
            div.field {
                label for="pool" { "Pool" }
                select #pool name="scanner_pool" {
                    option value="" { "any" }
                    @for pool in &snapshot.config.pools {
                        option value=(pool.name.as_str()) selected[parameter("scanner_pool") == pool.name.as_str()] { (pool.name.as_str()) }
                    }
                }
            }
            div.field {
                label for="target" { "Target" }
                input #target name="target" value=(plain(parameter("target"))) placeholder="10.0.0.0/24" autocomplete="off"
                    spellcheck="false";
            }
            button type="submit" { "Show" }
        }
    }
}

fn empty_list(visitor: &Visitor, is_filtered: bool) -> Markup {
    html! {
        div.empty {
            @if is_filtered {
                p { "No scan matches these filters. A target matches scans that contain or overlap it." }
                p { a href="/scans" { "Show all scans" } }
            } @else {
                p { "There are no scans." }
                @if visitor.may_submit() { p { a href="/scans/new" { "Submit a scan" } } }
            }
        }
    }
}

fn page_address(parameters: &Map<String, Json>, cursor: Option<&str>) -> String {
    let mut query = Serializer::new(String::new());
    for (name, text) in parameters.iter().filter(|(name, _)| *name != CURSOR) {
        query.append_pair(name, text.as_str().unwrap_or_default());
    }
    if let Some(cursor) = cursor {
        query.append_pair(CURSOR, cursor);
    }
    format!("/scans?{}", query.finish())
}

/// Returns a table of scans. The ids of its rows begin with `name`, so that two tables on a page have different ids.
pub fn scan_table(name: &str, scans: &[StatusReply]) -> Markup {
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
