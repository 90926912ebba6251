//! Logging in with a token, and out.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
};
use maud::{Markup, html};
use scanhost_app::refusal::Refusal;
use url::form_urlencoded;

use super::{
    document,
    escape::plain,
    form::Form,
    form_token::{self, STRANGER},
    page_request::{About, Visit, note_login, note_stranger},
    session,
    site::Site,
    trouble::Trouble,
};
use crate::http::Given;

/// Where to go once logged in.
const NEXT: &str = "next";

/// Asks who it is, in place of what was asked for.
pub fn ask(site: &Site, request: &Parts) -> Response {
    let headers = &request.headers;
    let takes_pages = headers.get(header::ACCEPT).is_some_and(|kinds| contains(kinds.as_bytes(), b"text/html"));
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"scanhost\"")];
    if !takes_pages {
        return (StatusCode::UNAUTHORIZED, challenge, "a valid token is needed\n").into_response();
    }
    let next = request.uri.path_and_query().map_or("/", |path| path.as_str());
    // A browser keeps the cookie from the first page that a link of another site leads to.
    let came_from_elsewhere = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    let body = html! {
        (asking(site, next, None))
        @if came_from_elsewhere {
            p { "Logged in already? A link from another site does not carry that along: " a href=(next) { "go on" } "." }
        }
    };
    (challenge, document::for_strangers(StatusCode::UNAUTHORIZED, "Log in", body)).into_response()
}

/// The form.
pub async fn show(State(site): State<Arc<Site>>, request: Request) -> Response {
    if site.host.snapshot.load().config.tokens.is_empty() {
        return Redirect::to("/").into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    let next = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == NEXT);
    let body = asking(&site, next.as_ref().map_or("/", |(_, next)| next), None);
    document::for_strangers(StatusCode::OK, "Log in", body)
}

/// Takes the token.
pub async fn enter(State(site): State<Arc<Site>>, request: Request) -> Response {
    let (headers, extensions) = (request.headers().clone(), request.extensions().clone());
    let form = match Form::read(request, &form_token::token(&site.host, STRANGER)).await {
        Ok(form) => form,
        Err(trouble) => return trouble.for_strangers(),
    };
    let snapshot = site.host.snapshot.load_full();
    let Some(token) = Given::text(form.text("token")).find(&snapshot.config.tokens) else {
        note_stranger(&site.host, &extensions, "login");
        let body = asking(&site, form.text(NEXT), Some("No token of this server reads like that."));
        return document::for_strangers(StatusCode::UNAUTHORIZED, "Log in", body);
    };
    match session::begin(&site.host, token).await {
        Ok(id) => {
            note_login(&site.host, &extensions, &token.name);
            let cookie = session::cookie(&site.host, &id, is_secure(&site, &headers));
            ([(header::SET_COOKIE, cookie)], Redirect::to(local(form.text(NEXT)))).into_response()
        }
        Err(error) => Trouble::from(Refusal::from(error)).for_strangers(),
    }
}

/// Ends the login.
pub async fn leave(Extension(visit): Extension<Visit>, request: Request) -> Response {
    let headers = request.headers().clone();
    let left = async {
        Form::of(&visit, request).await?;
        if let Some(id) = &visit.session {
            session::end(visit.host(), id).await.map_err(Refusal::from)?;
        }
        Ok(())
    };
    let left: Result<(), Trouble> = left.await;
    visit.note("logout", About::default(), &left);
    match left {
        Ok(()) => {
            let cookie = session::no_cookie(visit.host(), is_secure(&visit.site, &headers));
            ([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response()
        }
        Err(trouble) => trouble.for_visitors(&visit),
    }
}

fn asking(site: &Site, next: &str, error: Option<&str>) -> Markup {
    html! {
        h1 { "Log in" }
        p { "This server shows what scans found to those who have one of its tokens." }
        @if let Some(error) = error {
            div.callout.bad role="alert" {
                p { strong { (error) } }
                p { "Paste the whole token, without “Bearer”. Whoever runs this server has them, and makes new ones with "
                    code { "scanhost token new" } "." }
            }
        }
        form.stack method="post" action="/login" {
            input type="hidden" name=(form_token::FIELD) value=(form_token::token(&site.host, STRANGER));
            input type="hidden" name=(NEXT) value=(plain(local(next)));
            div.field {
                label for="token" { "Token" }
                input #token type="password" name="token" required autocomplete="current-password" autofocus
                    aria-invalid=[error.map(|_| "true")];
            }
            div { button.primary type="submit" { "Log in" } }
        }
    }
}

/// An address of this server, whatever was asked for.
fn local(next: &str) -> &str {
    let is_local = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    if is_local && next.bytes().all(|b| b.is_ascii_graphic()) { next } else { "/" }
}

/// Whether the browser speaks TLS, to this server or to a proxy before it.
fn is_secure(site: &Site, headers: &HeaderMap) -> bool {
    site.host.snapshot.load().config.tls.is_some()
        || headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
