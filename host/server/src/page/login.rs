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
    form_token::{self, BEFORE_LOGIN},
    session,
    site::Site,
    trouble::Trouble,
    visitor::{AuditDetails, Visitor, note_login, note_unauthenticated},
};
use crate::http::BearerToken;

/// The form field with the address to open after the login.
const NEXT: &str = "next";

/// Answers with the login form instead of the requested page.
pub fn ask(site: &Site, request: &Parts) -> Response {
    let headers = &request.headers;
    let takes_pages = headers.get(header::ACCEPT).is_some_and(|kinds| contains(kinds.as_bytes(), b"text/html"));
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"scanhost\"")];
    if !takes_pages {
        return (StatusCode::UNAUTHORIZED, challenge, "a valid token is required\n").into_response();
    }
    let next = request.uri.path_and_query().map_or("/", |path| path.as_str());
    // A browser keeps the cookie from the first page that a link of another site leads to.
    let came_from_elsewhere = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    let body = html! {
        (login_form(site, next, None))
        @if came_from_elsewhere {
            p { "Already logged in? Browsers do not send the login with a link from another site: " a href=(next) { "open the page" } "." }
        }
    };
    (challenge, document::for_unauthenticated(StatusCode::UNAUTHORIZED, "Log in", body)).into_response()
}

/// Shows the login form.
pub async fn show(State(site): State<Arc<Site>>, request: Request) -> Response {
    if site.host.snapshot.load().config.tokens.is_empty() {
        return Redirect::to("/").into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    let next = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == NEXT);
    let body = login_form(&site, next.as_ref().map_or("/", |(_, next)| next), None);
    document::for_unauthenticated(StatusCode::OK, "Log in", body)
}

/// Logs a person in with the token of the form.
pub async fn log_in(State(site): State<Arc<Site>>, request: Request) -> Response {
    let (headers, extensions) = (request.headers().clone(), request.extensions().clone());
    let form = match Form::read(request, &form_token::token(&site.host, BEFORE_LOGIN)).await {
        Ok(form) => form,
        Err(trouble) => return trouble.for_unauthenticated(),
    };
    let snapshot = site.host.snapshot.load_full();
    let Some(token) = BearerToken::from_text(form.text("token")).find_in(&snapshot.config.tokens) else {
        note_unauthenticated(&site.host, &extensions, "login");
        let body = login_form(&site, form.text(NEXT), Some("This token is not valid."));
        return document::for_unauthenticated(StatusCode::UNAUTHORIZED, "Log in", body);
    };
    match session::begin(&site.host, token).await {
        Ok(id) => {
            note_login(&site.host, &extensions, &token.name);
            let cookie = session::cookie(&site.host, &id, is_secure(&site, &headers));
            ([(header::SET_COOKIE, cookie)], Redirect::to(local(form.text(NEXT)))).into_response()
        }
        Err(error) => Trouble::from(Refusal::from(error)).for_unauthenticated(),
    }
}

/// Logs a person out.
pub async fn log_out(Extension(visitor): Extension<Visitor>, request: Request) -> Response {
    let headers = request.headers().clone();
    let logged_out = async {
        Form::of(&visitor, request).await?;
        if let Some(id) = &visitor.session {
            session::end(visitor.host(), id).await.map_err(Refusal::from)?;
        }
        Ok(())
    };
    let logged_out: Result<(), Trouble> = logged_out.await;
    visitor.note("logout", AuditDetails::default(), &logged_out);
    match logged_out {
        Ok(()) => {
            let cookie = session::expired_cookie(visitor.host(), is_secure(&visitor.site, &headers));
            ([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response()
        }
        Err(trouble) => trouble.for_visitors(&visitor),
    }
}

fn login_form(site: &Site, next: &str, error: Option<&str>) -> Markup {
    html! {
        h1 { "Log in" }
        p { "You need a token of this server to see its scans." }
        @if let Some(error) = error {
            div.callout.bad role="alert" {
                p { strong { (error) } }
                p { "Paste the whole token, without “Bearer”. The operator of this server creates tokens with "
                    code { "scanhost token new" } "." }
            }
        }
        form.stack method="post" action="/login" {
            input type="hidden" name=(form_token::FIELD) value=(form_token::token(&site.host, BEFORE_LOGIN));
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

/// The requested address where it is one of this server, else the overview.
fn local(next: &str) -> &str {
    let is_local = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    if is_local && next.bytes().all(|b| b.is_ascii_graphic()) { next } else { "/" }
}

/// Whether the browser uses TLS, to this server or to a proxy in front of it.
fn is_secure(site: &Site, headers: &HeaderMap) -> bool {
    site.host.snapshot.load().config.tls.is_some()
        || headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
