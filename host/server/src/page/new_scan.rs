//! Submitting a scan from the network. Scans with a login are submitted where their secrets are: by agents, or at the
//! command line.

use axum::{
    Extension,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use maud::{Markup, html};
use scanhost_app::submit::{Caller, SubmitArgs, SubmitReply, submit as submit_scan};
use scanhost_config::Scope;
use scanhost_domain::request::ScanType;

use super::{
    actions::run,
    document::{Page, Section, token},
    escape::plain,
    form::Form,
    trouble::Trouble,
    visitor::{AuditDetails, SUBMIT_TOOL, Visitor},
};

/// The arguments that the form has.
const FIELDS: [&str; 5] = ["name", "targets", "description", "scanner_pool", "idempotency_key"];

pub async fn show(Extension(visitor): Extension<Visitor>) -> Response {
    if !visitor.may_submit() {
        return Trouble::Scope(Scope::Submit).for_visitors(&visitor);
    }
    page(&visitor, &|_| String::new(), None)
}

pub async fn submit(Extension(visitor): Extension<Visitor>, request: Request) -> Response {
    let form = match Form::of(&visitor, request).await {
        Ok(form) => form,
        Err(trouble) => {
            visitor.note::<()>(SUBMIT_TOOL, AuditDetails::default(), &Err(trouble.clone()));
            return trouble.for_visitors(&visitor);
        }
    };
    let text = |name: &str| Some(form.text(name).to_owned()).filter(|text| !text.is_empty());
    let args = SubmitArgs {
        name: form.text("name").to_owned(),
        targets: form.text("targets").to_owned(),
        description: text("description"),
        scanner_pool: text("scanner_pool"),
        idempotency_key: text("idempotency_key"),
        ..SubmitArgs::default()
    };
    // The same form sent twice is the same request.
    let raw = FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?.into()))).collect();
    let host = visitor.host().clone();
    let work = async move {
        let submission = submit_scan(&host, &Caller::default(), SUBMIT_TOOL, &raw, ScanType::Untrusted, args).await?;
        Ok(SubmitReply::from(submission))
    };
    let done = run(&visitor, SUBMIT_TOOL, work).await;
    let about =
        AuditDetails { targets: Some(form.text("targets")), pool: Some(form.text("scanner_pool")), task_id: None };
    visitor.note_reply(SUBMIT_TOOL, about, done.as_ref());
    match done {
        Ok(reply) => Redirect::to(&format!("/scans/{}", reply["task_id"].as_str().unwrap_or_default())).into_response(),
        Err(trouble) => page(&visitor, &|name| form.text(name).to_owned(), Some(&trouble)),
    }
}

fn page(visitor: &Visitor, filled: &dyn Fn(&str) -> String, trouble: Option<&Trouble>) -> Response {
    let snapshot = visitor.host().snapshot.load();
    let chosen = |name: &str, value: &str, usual: &str| {
        let filled = filled(name);
        value == if filled.is_empty() { usual } else { &filled }
    };
    let body = html! {
        h1 { "New scan" }
        p.sub { "From the network, without a login at the targets." }
        @if let Some(trouble) = trouble { (trouble.message()) }
        form.stack method="post" action="/scans" {
            (token(visitor))
            // The same form sent twice is one scan.
            input type="hidden" name="idempotency_key" value=(format_args!("page-{:032x}", rand::random::<u128>()));
            (field("name", "Name", html! {
                input #name name="name" required maxlength="256" value=(plain(&filled("name"))) autocomplete="off";
            }, "A short name that people recognise."))
            (field("targets", "Targets", html! {
                textarea #targets name="targets" required rows="3" spellcheck="false" aria-describedby="targets-hint" {
                    (plain(&filled("targets")))
                }
            }, "Addresses, CIDRs, ranges such as 10.0.0.1-20, and host names, separated by commas or blanks."))
            (field("pool", "Pool", html! {
                select #pool name="scanner_pool" {
                    @for pool in &snapshot.config.pools {
                        @let name = pool.name.as_str();
                        option value=(name) selected[chosen("scanner_pool", name, snapshot.config.default_pool.as_str())] { (name) }
                    }
                }
            }, "Its scanners share one queue, and it decides which targets are allowed."))
            (field("description", "Purpose", html! {
                textarea #description name="description" rows="2" maxlength="4096" { (plain(&filled("description"))) }
            }, "Optional."))
            div { button.primary type="submit" { "Submit" } }
        }
    };
    let code = trouble.map_or(StatusCode::OK, Trouble::code);
    Page { title: "New scan".to_owned(), section: Section::NewScan, events: None, body }.respond(visitor, code)
}

fn field(id: &str, label: &str, input: Markup, hint: &str) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            (input)
            span.hint id=(format_args!("{id}-hint")) { (hint) }
        }
    }
}
