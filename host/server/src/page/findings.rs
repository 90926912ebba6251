//! The findings of a scan as a table, with the profiles, filters and pages of `get_scan_results`.

mod rows;

use axum::http::StatusCode;
use maud::{Markup, html};
use scanhost_app::{
    reply::StatusReply,
    scans::results::{default_profile, field_names, page},
    snapshot::Snapshot,
};
use scanhost_domain::scan::Scan;
use scanhost_results::{FindingsPage, Truncated, export::FileFormat};
use serde_json::Value as Json;

use super::{
    escape::{Escaped, number, plain},
    findings_query::FindingsQuery,
    scan_summary::summary,
    trouble::Trouble,
    visitor::Visitor,
};

/// The name of the profile that groups findings by what to fix first.
const TRIAGE: &str = "triage";

const PAGE_SIZES: [&str; 4] = ["10", "20", "40", "100"];
const DEFAULT_PAGE_SIZE: &str = "40";

/// A query, and what it is answered from.
struct FindingsView<'a> {
    scan: &'a Scan,
    query: &'a FindingsQuery,
    snapshot: &'a Snapshot,
    /// The address of the scan's page.
    address: String,
}

/// The summary and the findings of a completed scan. Where the query fails, the status code says why.
pub async fn part(visitor: &Visitor, scan: &Scan, query: &FindingsQuery) -> (Markup, StatusCode) {
    let snapshot = visitor.host().snapshot.load_full();
    let view = FindingsView { scan, query, snapshot: &snapshot, address: format!("/scans/{}", scan.id) };
    let found = read(visitor, &view).await;
    let names = field_names(visitor.host(), scan).await.unwrap_or_default();
    let code = found.as_ref().map_or_else(Trouble::code, |_| StatusCode::OK);
    let part = html! {
        (summary(&StatusReply::new(scan, None), &view.address))
        section #findings aria-labelledby="findings-title" {
            div.heading {
                h2 #findings-title { "Findings" }
                (views(&view))
            }
            (filters(&view, &names))
            @match &found {
                Err(trouble) => (trouble.message()),
                Ok(found) => (found_rows(&view, found)),
            }
            (downloads(visitor, &view))
        }
    };
    (part, code)
}

async fn read(visitor: &Visitor, view: &FindingsView<'_>) -> Result<FindingsPage, Trouble> {
    let _running = visitor.permit()?;
    Ok(page(visitor.host(), view.query.args(view.scan.id.as_str())?).await?)
}

impl FindingsView<'_> {
    fn address_of(&self, query: &FindingsQuery) -> String {
        format!("{}?{}#findings", self.address, query.encode())
    }

    fn profile(&self) -> String {
        self.query.profile.clone().unwrap_or_else(|| default_profile(self.scan).to_string())
    }
}

fn views(view: &FindingsView<'_>) -> Markup {
    let has_triage = view.snapshot.profiles.iter().any(|profile| profile.name.as_str() == TRIAGE);
    let is_triage = view.profile() == TRIAGE;
    html! {
        @if has_triage {
            nav.tabs aria-label="Views" {
                a href=(view.address_of(&view.query.with_profile(None))) aria-current=[(!is_triage).then_some("true")] {
                    "Each finding"
                }
                a href=(view.address_of(&view.query.with_profile(Some(TRIAGE)))) aria-current=[is_triage.then_some("true")] {
                    "What to fix first"
                }
            }
        }
    }
}

fn filters(view: &FindingsView<'_>, names: &[String]) -> Markup {
    let query = view.query;
    let (profile, size) = (view.profile(), query.page_size.as_deref().unwrap_or(DEFAULT_PAGE_SIZE));
    html! {
        form.bar method="get" action=(format_args!("{}#findings", view.address)) {
            @for filter in &query.filters { input type="hidden" name="filter" value=(plain(filter)); }
            div.field {
                label for="profile" { "Profile" }
                select #profile name="profile" {
                    @for known in &view.snapshot.profiles {
                        option value=(known.name.as_str()) selected[known.name.as_str() == profile] { (known.name.as_str()) }
                    }
                }
            }
            div.field {
                label for="field" { "Field" }
                input #field name="field" list="fields" autocomplete="off" spellcheck="false" placeholder="severity";
                datalist #fields { @for name in names { option value=(plain(name)) {} } }
            }
            div.field {
                label for="value" { "Value" }
                input #value name="value" autocomplete="off" spellcheck="false" placeholder=">=High";
            }
            div.field {
                label for="page_size" { "Per page" }
                select #page_size name="page_size" {
                    @for known in PAGE_SIZES { option value=(known) selected[known == size] { (known) } }
                }
            }
            button type="submit" { "Show" }
        }
        details.help {
            summary { "How to write filters" }
            p {
                "Text: a part of it, or " code { "=exact text" } ". Numbers: " code { "443" } ", " code { ">7.0" } ", " code { "<=3" }
                ". Severity: " code { "High" } ", " code { ">=Medium" } ". Yes or no: " code { "true" } ", " code { "false" }
                ". A " code { "!" } " in front negates the filter. Several filters on one field: any of them must match. Filters on different fields: all must match. "
                "You can also filter on fields that are not shown."
            }
        }
        @if !query.filters.is_empty() {
            ul.chips aria-label="Filters" {
                @for (index, filter) in query.filters.iter().enumerate() {
                    @let (field, value) = filter.split_once('=').unwrap_or((filter, ""));
                    li {
                        span { (Escaped(field)) ": " strong { (Escaped(value)) } }
                        a href=(view.address_of(&query.without_filter(index))) {
                            span.sr { "Remove the filter " (Escaped(filter)) } span aria-hidden="true" { "×" }
                        }
                    }
                }
            }
        }
    }
}

fn found_rows(view: &FindingsView<'_>, found: &FindingsPage) -> Markup {
    let query = view.query;
    html! {
        p.found role="status" {
            strong { (number(found.total)) }
            (if found.total == 1 { " row" } else { " rows" })
            @if found.total_pages > 1 { ", page " (found.page) " of " (number(found.total_pages)) }
            @for (field, value) in standing(view, found) {
                " · the profile shows only " code { (Escaped(field)) " " (Escaped(&text(value))) }
            }
        }
        @if found.rows.is_empty() {
            div.empty {
                @if found.page > found.total_pages {
                    p { "This page is past the end." }
                    p { a href=(view.address_of(&query.on_page(1))) { "First page" } }
                } @else if query.filters.is_empty() {
                    p { "The scan has no findings that this profile shows." }
                } @else {
                    p { "No finding matches all filters. A finding without a field never matches a filter on that field." }
                    p { a href=(view.address_of(&FindingsQuery::default().with_profile(query.profile.as_deref()))) { "Remove all filters" } }
                }
            }
        } @else {
            (rows::table(found, &|query: &FindingsQuery| view.address_of(query), query))
        }
        @if let Some(Truncated { remaining, skip }) = found.truncated {
            p.callout {
                "These rows are large: " (number(remaining)) " more of this page did not fit. "
                a href=(view.address_of(&query.after(skip))) { "Show them" }
            }
        }
        @if found.total_pages > 1 {
            nav.pages aria-label="Pages" {
                @if found.page > 1 { a rel="prev" href=(view.address_of(&query.on_page(found.page - 1))) { "Previous" } }
                @if let Some(next) = found.next_page { a rel="next" href=(view.address_of(&query.on_page(next))) { "Next" } }
            }
        }
    }
}

/// The standing filters of the profile.
fn standing<'a>(view: &FindingsView<'_>, found: &'a FindingsPage) -> impl Iterator<Item = (&'a String, &'a Json)> {
    let own: Vec<String> =
        view.query.filters.iter().filter_map(|filter| Some(filter.split_once('=')?.0.to_owned())).collect();
    found.filters_applied.iter().filter(move |(field, _)| !own.contains(field))
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn downloads(visitor: &Visitor, view: &FindingsView<'_>) -> Markup {
    let report = visitor.host().native_report(&view.scan.id);
    let query = FindingsQuery { page: None, page_size: None, skip: None, ..view.query.clone() };
    html! {
        p.downloads {
            "Download all matching findings as "
            @for (index, format) in FileFormat::ALL.into_iter().enumerate() {
                @if index > 0 { ", " }
                a href=(format_args!("{}/findings/{}?{}", view.address, format.extension(), query.encode())) download {
                    (match format { FileFormat::Jsonl => "JSON lines", FileFormat::Csv => "CSV", FileFormat::Parquet => "Parquet" })
                }
            }
            @if report.is_some() {
                ", or " a href=(format_args!("{}/report", view.address)) download { "the scanner's own report" }
            }
            "."
        }
    }
}
