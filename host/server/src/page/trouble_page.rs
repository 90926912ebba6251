//! The page that a person gets in place of one that cannot be shown.

use axum::{
    Extension,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use maud::html;

use super::{
    document::{self, Page, Place},
    page_request::Visit,
    trouble::Trouble,
};

impl Trouble {
    pub fn for_visitors(self, visit: &Visit) -> Response {
        let body = html! {
            h1 { (self.title()) }
            (self.told())
            p { a href="/" { "Overview" } " · " a href="/scans" { "All scans" } }
        };
        let page = Page { title: self.title().to_owned(), place: Place::Elsewhere, events: None, body };
        self.with_headers(page.respond(visit, self.code()))
    }

    pub fn for_strangers(self) -> Response {
        let body = html! {
            h1 { (self.title()) }
            (self.told())
            p { a href="/login" { "Log in" } }
        };
        self.with_headers(document::for_strangers(self.code(), self.title(), body))
    }

    fn with_headers(&self, mut response: Response) -> Response {
        if self.code() == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// A page, or what is in its place.
pub fn respond(visit: &Visit, page: Result<Page, Trouble>) -> Response {
    match page {
        Ok(page) => page.respond(visit, StatusCode::OK),
        Err(trouble) => trouble.for_visitors(visit),
    }
}

/// For a path that is none of ours.
pub async fn nowhere(Extension(visit): Extension<Visit>) -> Response {
    Trouble::Nowhere.for_visitors(&visit).into_response()
}
