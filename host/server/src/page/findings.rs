//! The findings of a scan as `get_scan_results` answers them: the same profiles, filters and pages, as a table.

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
    escape::{Told, number, plain},
    page_request::Visit,
    question::Question,
    scan::summary,
    trouble::Trouble,
};

/// The profile that says what to fix first.
const TRIAGE: &str = "triage";

const PAGE_SIZES: [&str; 4] = ["10", "20", "40", "100"];
const USUAL_PAGE_SIZE: &str = "40";

/// What a question is about.
struct Asked<'a> {
    scan: &'a Scan,
    question: &'a Question,
    snapshot: &'a Snapshot,
    /// Of the scan's page.
    address: String,
}

/// The summary and the findings of a completed scan. The code is that of a question that is not answered.
pub async fn part(visit: &Visit, scan: &Scan, question: &Question) -> (Markup, StatusCode) {
    let snapshot = visit.host().snapshot.load_full();
    let asked = Asked { scan, question, snapshot: &snapshot, address: format!("/scans/{}", scan.id) };
    let found = read(visit, &asked).await;
    let names = field_names(visit.host(), scan).await.unwrap_or_default();
    let code = found.as_ref().map_or_else(Trouble::code, |_| StatusCode::OK);
    let part = html! {
        (summary(&StatusReply::new(scan, None), &asked.address))
        section #findings aria-labelledby="findings-title" {
            div.heading {
                h2 #findings-title { "Findings" }
                (views(&asked))
            }
            (filters(&asked, &names))
            @match &found {
                Err(trouble) => (trouble.told()),
                Ok(found) => (found_rows(&asked, found)),
            }
            (downloads(visit, &asked))
        }
    };
    (part, code)
}

async fn read(visit: &Visit, asked: &Asked<'_>) -> Result<FindingsPage, Trouble> {
    let _running = visit.permit()?;
    Ok(page(visit.host(), asked.question.args(asked.scan.id.as_str())?).await?)
}

impl Asked<'_> {
    fn to(&self, question: &Question) -> String {
        format!("{}?{}#findings", self.address, question.query())
    }

    fn profile(&self) -> String {
        self.question.profile.clone().unwrap_or_else(|| default_profile(self.scan).to_string())
    }
}

fn views(asked: &Asked<'_>) -> Markup {
    let has_triage = asked.snapshot.profiles.iter().any(|profile| profile.name.as_str() == TRIAGE);
    let is_triage = asked.profile() == TRIAGE;
    html! {
        @if has_triage {
            nav.tabs aria-label="Views" {
                a href=(asked.to(&asked.question.with_profile(None))) aria-current=[(!is_triage).then_some("true")] {
                    "Each finding"
                }
                a href=(asked.to(&asked.question.with_profile(Some(TRIAGE)))) aria-current=[is_triage.then_some("true")] {
                    "What to fix first"
                }
            }
        }
    }
}

fn filters(asked: &Asked<'_>, names: &[String]) -> Markup {
    let question = asked.question;
    let (profile, size) = (asked.profile(), question.page_size.as_deref().unwrap_or(USUAL_PAGE_SIZE));
    html! {
        form.bar method="get" action=(format_args!("{}#findings", asked.address)) {
            @for filter in &question.filters { input type="hidden" name="filter" value=(plain(filter)); }
            div.field {
                label for="profile" { "Profile" }
                select #profile name="profile" {
                    @for known in &asked.snapshot.profiles {
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
                label for="page_size" { "On a page" }
                select #page_size name="page_size" {
                    @for known in PAGE_SIZES { option value=(known) selected[known == size] { (known) } }
                }
            }
            button type="submit" { "Show" }
        }
        details.help {
            summary { "How filters read" }
            p {
                "Text: a part of it, or " code { "=all of it" } ". Numbers: " code { "443" } ", " code { ">7.0" } ", " code { "<=3" }
                ". Severity: " code { "High" } ", " code { ">=Medium" } ". Yes or no: " code { "true" } ", " code { "false" }
                ". A " code { "!" } " in front means not. The same field twice: one of the values. Different fields: all of them. "
                "Every field can be used, shown or not."
            }
        }
        @if !question.filters.is_empty() {
            ul.chips aria-label="Filters" {
                @for (place, filter) in question.filters.iter().enumerate() {
                    @let (field, value) = filter.split_once('=').unwrap_or((filter, ""));
                    li {
                        span { (Told(field)) ": " strong { (Told(value)) } }
                        a href=(asked.to(&question.without_filter(place))) {
                            span.sr { "Remove the filter " (Told(filter)) } span aria-hidden="true" { "×" }
                        }
                    }
                }
            }
        }
    }
}

fn found_rows(asked: &Asked<'_>, found: &FindingsPage) -> Markup {
    let question = asked.question;
    html! {
        p.found role="status" {
            strong { (number(found.total)) }
            (if found.total == 1 { " row" } else { " rows" })
            @if found.total_pages > 1 { ", page " (found.page) " of " (number(found.total_pages)) }
            @for (field, value) in standing(asked, found) {
                " · the profile shows only " code { (Told(field)) " " (Told(&text(value))) }
            }
        }
        @if found.rows.is_empty() {
            div.empty {
                @if found.page > found.total_pages {
                    p { "This page is past the end." }
                    p { a href=(asked.to(&question.on_page(1))) { "First page" } }
                } @else if question.filters.is_empty() {
                    p { "The scan found nothing that this profile shows." }
                } @else {
                    p { "No finding passes all of the filters. One that lacks a field never passes a filter on it." }
                    p { a href=(asked.to(&Question::default().with_profile(question.profile.as_deref()))) { "Remove all filters" } }
                }
            }
        } @else {
            (rows::table(found, &|question: &Question| asked.to(question), question))
        }
        @if let Some(Truncated { remaining, skip }) = found.truncated {
            p.callout {
                "These rows are large: " (number(remaining)) " more of this page did not fit. "
                a href=(asked.to(&question.after(skip))) { "Show them" }
            }
        }
        @if found.total_pages > 1 {
            nav.pages aria-label="Pages" {
                @if found.page > 1 { a rel="prev" href=(asked.to(&question.on_page(found.page - 1))) { "Previous" } }
                @if let Some(next) = found.next_page { a rel="next" href=(asked.to(&question.on_page(next))) { "Next" } }
            }
        }
    }
}

/// Filters that nobody asked for: the profile's own.
fn standing<'a>(asked: &Asked<'_>, found: &'a FindingsPage) -> impl Iterator<Item = (&'a String, &'a Json)> {
    let own: Vec<String> =
        asked.question.filters.iter().filter_map(|filter| Some(filter.split_once('=')?.0.to_owned())).collect();
    found.filters_applied.iter().filter(move |(field, _)| !own.contains(field))
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn downloads(visit: &Visit, asked: &Asked<'_>) -> Markup {
    let report = visit.host().native_report(&asked.scan.id);
    let question = Question { page: None, page_size: None, skip: None, ..asked.question.clone() };
    html! {
        p.downloads {
            "Download all of these as "
            @for (place, format) in FileFormat::ALL.into_iter().enumerate() {
                @if place > 0 { ", " }
                a href=(format_args!("{}/findings/{}?{}", asked.address, format.extension(), question.query())) download {
                    (match format { FileFormat::Jsonl => "JSON lines", FileFormat::Csv => "CSV", FileFormat::Parquet => "Parquet" })
                }
            }
            @if report.is_some() {
                ", or " a href=(format_args!("{}/report", asked.address)) download { "the scanner's own report" }
            }
            "."
        }
    }
}
