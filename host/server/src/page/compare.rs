//! The page that shows what has changed between two scans.

use axum::{Extension, extract::RawQuery, http::StatusCode, response::Response};
use maud::{Markup, html};
use scanhost_app::{
    find,
    refusal::Refusal,
    reply::StatusReply,
    scans::compare::{Args, Reply, compare},
};
use scanhost_domain::scan::Status;
use scanhost_results::Change;
use scanhost_store::ListQuery;
use url::form_urlencoded::{self, Serializer};

use super::{
    document::{Page, Section},
    escape::{Escaped, number, plain},
    state::severity_of,
    table::{
        Column::{Number, Text},
        table,
    },
    trouble::Trouble,
    visitor::{AuditDetails, Visitor},
};

/// How many completed scans are offered for choice. The address can name others.
const CHOICE: usize = 100;

/// How many findings each list shows.
const LISTED: usize = 25;

/// Which two scans to compare, and how many findings of each list to skip.
#[derive(Default)]
struct ComparisonQuery {
    baseline: String,
    task: String,
    skip: usize,
}

pub async fn show(Extension(visitor): Extension<Visitor>, RawQuery(query): RawQuery) -> Response {
    let comparison = ComparisonQuery::parse(&query.unwrap_or_default());
    let compared = match comparison.is_complete() {
        false => Ok(None),
        true => {
            let compared = read(&visitor, &comparison).await;
            visitor.note(
                "compare_scans",
                AuditDetails { task_id: Some(&comparison.task), ..AuditDetails::default() },
                &compared,
            );
            compared.map(Some)
        }
    };
    let choice = match choice(&visitor, &comparison).await {
        Ok(choice) => choice,
        Err(trouble) => return trouble.for_visitors(&visitor),
    };
    let code = compared.as_ref().map_or_else(Trouble::code, |_| StatusCode::OK);
    let body = html! {
        h1 { "Compare two scans" }
        (form(&comparison, &choice))
        @match &compared {
            Ok(None) if choice.len() > 1 => p.hint { "Choose an earlier and a later scan of the same targets. Findings of a host that the later scan left out are shown as gone." },
            Ok(None) => (too_few()),
            Ok(Some(reply)) => (changes(&comparison, reply)),
            Err(trouble) => (trouble.message()),
        }
    };
    Page { title: "Compare".to_owned(), section: Section::Compare, events: None, body }.respond(&visitor, code)
}

impl ComparisonQuery {
    fn parse(query: &str) -> Self {
        let mut comparison = Self::default();
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "baseline_task_id" => comparison.baseline = text.trim().to_owned(),
                "task_id" => comparison.task = text.trim().to_owned(),
                "skip" => comparison.skip = text.parse().unwrap_or(0),
                _ => {}
            }
        }
        comparison
    }

    fn is_complete(&self) -> bool {
        !self.baseline.is_empty() && !self.task.is_empty()
    }

    fn address(&self, skip: usize) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("baseline_task_id", &self.baseline).append_pair("task_id", &self.task);
        format!("/compare?{}", query.append_pair("skip", &skip.to_string()).finish())
    }
}

async fn read(visitor: &Visitor, comparison: &ComparisonQuery) -> Result<Reply, Trouble> {
    let _running = visitor.permit()?;
    let args = Args {
        baseline_task_id: comparison.baseline.clone(),
        task_id: comparison.task.clone(),
        limit: LISTED,
        skip: comparison.skip,
    };
    Ok(compare(visitor.host(), args).await?)
}

/// The scans to choose from, the newest first. Scans of the same targets as the later scan come before the others.
async fn choice(visitor: &Visitor, comparison: &ComparisonQuery) -> Result<Vec<StatusReply>, Trouble> {
    let query = ListQuery { status: Some(Status::Completed), limit: CHOICE, ..ListQuery::default() };
    let listed = visitor.host().scans.list_on(query).await.map_err(Refusal::from)?;
    let mut choice: Vec<StatusReply> = listed.iter().map(|scan| StatusReply::new(scan, None)).collect();
    for id in [&comparison.task, &comparison.baseline] {
        if !id.is_empty()
            && !choice.iter().any(|scan| scan.task_id == *id)
            && let Ok(scan) = find::scan(visitor.host(), id).await
        {
            choice.push(StatusReply::new(&scan, None));
        }
    }
    if let Some(targets) = choice.iter().find(|scan| scan.task_id == comparison.task).map(|scan| scan.targets.clone()) {
        choice.sort_by_key(|scan| scan.targets != targets);
    }
    Ok(choice)
}

fn form(comparison: &ComparisonQuery, choice: &[StatusReply]) -> Markup {
    let select = |id: &str, name: &str, label: &str, chosen: &str| {
        html! {
            div.field.wide {
                label for=(id) { (label) }
                select id=(id) name=(name) required {
                    option value="" { "choose a scan" }
                    @for scan in choice {
                        option value=(scan.task_id) selected[scan.task_id == chosen] {
                            (plain(&format!("{} · {} · {}", scan.name, shortened(&scan.targets), scan.created_at.get(..16).unwrap_or_default().replace('T', " "))))
                        }
                    }
                }
            }
        }
    };
    html! {
        form.bar method="get" action="/compare" {
            (select("baseline", "baseline_task_id", "Earlier scan", &comparison.baseline))
            (select("later", "task_id", "Later scan", &comparison.task))
            button type="submit" { "Compare" }
        }
    }
}

fn too_few() -> Markup {
    html! {
        div.empty {
            p { "Two completed scans are needed for a comparison." }
            p { a href="/scans?status=completed" { "Completed scans" } }
        }
    }
}

fn changes(comparison: &ComparisonQuery, reply: &Reply) -> Markup {
    let (counts, changes) = (&reply.counts, &reply.changes);
    let lists = [
        ("new", "New", counts.new, &changes.new),
        ("changed", "Severity changed", counts.severity_changed, &changes.severity_changed),
        ("gone", "Gone", counts.gone, &changes.gone),
        ("still", "Still there", counts.still_there, &changes.still_there),
    ];
    html! {
        dl.glance {
            @for (id, name, count, _) in lists {
                div { dt { a href=(format_args!("#{id}")) { (name) } } dd { (number(count as u64)) } }
            }
        }
        @for (id, name, count, list) in lists {
            section id=(id) aria-label=(name) {
                h2 { (name) " " span.hint { (number(count as u64)) } }
                @if list.is_empty() {
                    p.empty { (if count == 0 { "None." } else { "No more findings." }) }
                } @else {
                    div.compared { (listed(list)) }
                }
            }
        }
        nav.pages aria-label="Pages" {
            @if comparison.skip > 0 { a href=(comparison.address(comparison.skip.saturating_sub(LISTED))) { "Previous" } }
            @if let Some(resume) = &reply.resume { a href=(comparison.address(resume.skip)) { "Next" } }
        }
    }
}

fn listed(list: &[Change]) -> Markup {
    table(
        &[Text("Severity"), Text("Finding"), Number("Plugin"), Text("Host"), Number("Port")],
        html! { @for change in list { tr {
            td.plain data-label="Severity" {
                @if let Some(before) = change.baseline_severity {
                    (severity_of(before).unwrap_or_default()) span.sr { " became " } span.arrow aria-hidden="true" { " → " }
                }
                (severity_of(change.severity).unwrap_or_default())
            }
            td.lead data-label="Finding" { (Escaped(change.plugin_name.as_deref().unwrap_or("–"))) }
            td.number data-label="Plugin" { @if let Some(id) = change.plugin_id { (id) } }
            td data-label="Host" { (Escaped(change.host.as_deref().unwrap_or("–"))) }
            td.number data-label="Port" {
                @if let Some(port) = change.port { (port) }
                @if let Some(protocol) = &change.protocol { "/" (Escaped(protocol)) }
            }
        } } },
    )
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
