//! The frame of every page: its head, its navigation and the main part that a page fills.

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse as _, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::{
    escape::{Escaped, checked},
    form_token::FIELD,
    static_files,
    visitor::Visitor,
};

/// What differs from page to page.
pub struct Page {
    pub title: String,
    pub section: Section,
    /// The address of the page's event stream; none for a page that does not change.
    pub events: Option<String>,
    pub body: Markup,
}

/// The entry of the navigation that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Overview,
    Scans,
    Compare,
    NewScan,
    Elsewhere,
}

impl Page {
    /// Makes the response for a visitor.
    pub fn respond(self, visitor: &Visitor, code: StatusCode) -> Response {
        let Self { title, section, events, body } = self;
        let is_live = events.is_some();
        let header = html! {
            (navigation(visitor, section))
            div.who {
                @if is_live { span #live.live hidden { "live" } }
                @if visitor.session.is_some() {
                    span.name { (Escaped(visitor.name())) }
                    form method="post" action="/logout" {
                        (token(visitor))
                        button.quiet type="submit" { "Log out" }
                    }
                }
            }
        };
        let body = html! {
            (body)
            @if is_live {
                noscript { p.hint { "Without JavaScript this page does not update itself. Reload it to see changes." } }
            }
        };
        (code, Html(whole(&title, header, events.as_deref(), body))).into_response()
    }
}

/// The hidden field with the form token, which every form of a visitor carries.
pub fn token(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name=(FIELD) value=(visitor.form_token()); }
}

/// Makes a page for somebody who has not logged in. It shows no data of this server.
pub fn for_unauthenticated(code: StatusCode, title: &str, body: Markup) -> Response {
    let body = html! { div.narrow { (body) } };
    (code, Html(whole(title, html! {}, None, body))).into_response()
}

fn navigation(visitor: &Visitor, section: Section) -> Markup {
    let mut links = vec![(Section::Overview, "/", "Overview"), (Section::Scans, "/scans", "Scans")];
    links.push((Section::Compare, "/compare", "Compare"));
    if visitor.may_submit() {
        links.push((Section::NewScan, "/scans/new", "New scan"));
    }
    html! {
        nav aria-label="Main" {
            @for (target, address, name) in links {
                a href=(address) aria-current=[(target == section).then_some("page")] { (name) }
            }
        }
    }
}

fn whole(title: &str, header: Markup, events: Option<&str>, body: Markup) -> String {
    checked(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (super::escape::plain(title)) " · scanhost" }
                link rel="icon" type="image/svg+xml" href=(static_files::versioned(static_files::ICON));
                link rel="stylesheet" href=(static_files::versioned(static_files::STYLE));
                script src=(static_files::versioned(static_files::SCRIPT)) defer {}
            }
            body {
                a.skip href="#main" { "Skip to main content" }
                header.top {
                    a.brand href="/" { "scanhost" }
                    (header)
                }
                main #main tabindex="-1" data-events=[events] { (body) }
            }
        }
    })
}
