//! What has changed from one scan to another.

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
    document::{Page, Place},
    escape::{Told, number, plain},
    page_request::{About, Visit},
    state::severity_of,
    table::{
        Column::{Number, Text},
        table,
    },
    trouble::Trouble,
};

/// Completed scans to choose from. Others can be named by an address.
const CHOICE: usize = 100;

/// Findings of each list.
const LISTED: usize = 25;

/// The two scans, and from where in each list.
#[derive(Default)]
struct Asked {
    baseline: String,
    task: String,
    skip: usize,
}

pub async fn show(Extension(visit): Extension<Visit>, RawQuery(query): RawQuery) -> Response {
    let asked = Asked::parse(&query.unwrap_or_default());
    let compared = match asked.is_whole() {
        false => Ok(None),
        true => {
            let compared = compared(&visit, &asked).await;
            visit.note("compare_scans", About { task_id: Some(&asked.task), ..About::default() }, &compared);
            compared.map(Some)
        }
    };
    let choice = match choice(&visit, &asked).await {
        Ok(choice) => choice,
        Err(trouble) => return trouble.for_visitors(&visit),
    };
    let code = compared.as_ref().map_or_else(Trouble::code, |_| StatusCode::OK);
    let body = html! {
        h1 { "Compare two scans" }
        (choosing(&asked, &choice))
        @match &compared {
            Ok(None) if choice.len() > 1 => p.hint { "Choose an earlier and a later scan of the same targets: a host that was not scanned looks as if its findings were gone." },
            Ok(None) => (too_few()),
            Ok(Some(reply)) => (changes(&asked, reply)),
            Err(trouble) => (trouble.told()),
        }
    };
    Page { title: "Compare".to_owned(), place: Place::Compare, events: None, body }.respond(&visit, code)
}

impl Asked {
    fn parse(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "baseline_task_id" => asked.baseline = text.trim().to_owned(),
                "task_id" => asked.task = text.trim().to_owned(),
                "skip" => asked.skip = text.parse().unwrap_or(0),
                _ => {}
            }
        }
        asked
    }

    fn is_whole(&self) -> bool {
        !self.baseline.is_empty() && !self.task.is_empty()
    }

    fn at(&self, skip: usize) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("baseline_task_id", &self.baseline).append_pair("task_id", &self.task);
        format!("/compare?{}", query.append_pair("skip", &skip.to_string()).finish())
    }
}

async fn compared(visit: &Visit, asked: &Asked) -> Result<Reply, Trouble> {
    let _running = visit.permit()?;
    let args =
        Args { baseline_task_id: asked.baseline.clone(), task_id: asked.task.clone(), limit: LISTED, skip: asked.skip };
    Ok(compare(visit.host(), args).await?)
}

/// The scans to choose from, the newest first; those of the same targets as the later one before the others.
async fn choice(visit: &Visit, asked: &Asked) -> Result<Vec<StatusReply>, Trouble> {
    let query = ListQuery { status: Some(Status::Completed), limit: CHOICE, ..ListQuery::default() };
    let listed = visit.host().store.list_on(query).await.map_err(Refusal::from)?;
    let mut choice: Vec<StatusReply> = listed.iter().map(|scan| StatusReply::new(scan, None)).collect();
    for id in [&asked.task, &asked.baseline] {
        if !id.is_empty()
            && !choice.iter().any(|scan| scan.task_id == *id)
            && let Ok(scan) = find::scan(visit.host(), id).await
        {
            choice.push(StatusReply::new(&scan, None));
        }
    }
    if let Some(targets) = choice.iter().find(|scan| scan.task_id == asked.task).map(|scan| scan.targets.clone()) {
        choice.sort_by_key(|scan| scan.targets != targets);
    }
    Ok(choice)
}

fn choosing(asked: &Asked, choice: &[StatusReply]) -> Markup {
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
            (select("baseline", "baseline_task_id", "Earlier scan", &asked.baseline))
            (select("later", "task_id", "Later scan", &asked.task))
            button type="submit" { "Compare" }
        }
    }
}

fn too_few() -> Markup {
    html! {
        div.empty {
            p { "It takes two completed scans to compare." }
            p { a href="/scans?status=completed" { "Completed scans" } }
        }
    }
}

fn changes(asked: &Asked, reply: &Reply) -> Markup {
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
                    p.empty { (if count == 0 { "None." } else { "No more of them." }) }
                } @else {
                    div.compared { (listed(list)) }
                }
            }
        }
        nav.pages aria-label="Pages" {
            @if asked.skip > 0 { a href=(asked.at(asked.skip.saturating_sub(LISTED))) { "Previous" } }
            @if let Some(resume) = &reply.resume { a href=(asked.at(resume.skip)) { "Next" } }
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
            td.lead data-label="Finding" { (Told(change.plugin_name.as_deref().unwrap_or("–"))) }
            td.number data-label="Plugin" { @if let Some(id) = change.plugin_id { (id) } }
            td data-label="Host" { (Told(change.host.as_deref().unwrap_or("–"))) }
            td.number data-label="Port" {
                @if let Some(port) = change.port { (port) }
                @if let Some(protocol) = &change.protocol { "/" (Told(protocol)) }
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
