//! The error pages.

use axum::{
    Extension,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use maud::html;

use super::{
    document::{self, Page, Section},
    trouble::Trouble,
    visitor::Visitor,
};

impl Trouble {
    pub fn for_visitors(self, visitor: &Visitor) -> Response {
        let body = html! {
            h1 { (self.title()) }
            (self.message())
            p { a href="/" { "Overview" } " · " a href="/scans" { "All scans" } }
        };
        let page = Page { title: self.title().to_owned(), section: Section::Elsewhere, events: None, body };
        self.with_headers(page.respond(visitor, self.code()))
    }

    pub fn for_unauthenticated(self) -> Response {
        let body = html! {
            h1 { (self.title()) }
            (self.message())
            p { a href="/login" { "Log in" } }
        };
        self.with_headers(document::for_unauthenticated(self.code(), self.title(), body))
    }

    fn with_headers(&self, mut response: Response) -> Response {
        if self.code() == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// Responds with the page, or with the error page in its place.
pub fn respond(visitor: &Visitor, page: Result<Page, Trouble>) -> Response {
    match page {
        Ok(page) => page.respond(visitor, StatusCode::OK),
        Err(trouble) => trouble.for_visitors(visitor),
    }
}

/// Answers a request for an unknown path.
pub async fn not_found(Extension(visitor): Extension<Visitor>) -> Response {
    Trouble::UnknownPage.for_visitors(&visitor).into_response()
}
