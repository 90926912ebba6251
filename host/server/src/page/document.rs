//! The frame of every page: head, navigation, the one place for what a page is about.

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse as _, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::{
    escape::{Told, checked},
    form_token::FIELD,
    page_request::Visit,
    static_files,
};

/// One page.
pub struct Page {
    pub title: String,
    pub place: Place,
    /// Where a browser hears of changes; none for a page that does not change.
    pub events: Option<String>,
    pub body: Markup,
}

/// Where a page is in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Overview,
    Scans,
    Compare,
    NewScan,
    Elsewhere,
}

impl Page {
    /// The page for its visitor.
    pub fn respond(self, visit: &Visit, code: StatusCode) -> Response {
        let Self { title, place, events, body } = self;
        let is_live = events.is_some();
        let header = html! {
            (navigation(visit, place))
            div.who {
                @if is_live { span #live.live hidden { "live" } }
                @if visit.session.is_some() {
                    span.name { (Told(visit.name())) }
                    form method="post" action="/logout" {
                        (token(visit))
                        button.quiet type="submit" { "Log out" }
                    }
                }
            }
        };
        let body = html! {
            (body)
            @if is_live {
                noscript { p.hint { "Without JavaScript this page stays as it is: load it again to see what has changed." } }
            }
        };
        (code, Html(whole(&title, header, events.as_deref(), body))).into_response()
    }
}

/// What every form of a visit carries.
pub fn token(visit: &Visit) -> Markup {
    html! { input type="hidden" name=(FIELD) value=(visit.form_token()); }
}

/// A page for somebody who has not logged in: it shows nothing of this server.
pub fn for_strangers(code: StatusCode, title: &str, body: Markup) -> Response {
    let body = html! { div.narrow { (body) } };
    (code, Html(whole(title, html! {}, None, body))).into_response()
}

fn navigation(visit: &Visit, place: Place) -> Markup {
    let mut links = vec![(Place::Overview, "/", "Overview"), (Place::Scans, "/scans", "Scans")];
    links.push((Place::Compare, "/compare", "Compare"));
    if visit.may_submit() {
        links.push((Place::NewScan, "/scans/new", "New scan"));
    }
    html! {
        nav aria-label="Main" {
            @for (at, address, name) in links {
                a href=(address) aria-current=[(at == place).then_some("page")] { (name) }
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
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { "scanhost" }
                    (header)
                }
                main #main tabindex="-1" data-events=[events] { (body) }
            }
        }
    })
}
