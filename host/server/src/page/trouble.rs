//! Why a request to the page failed, in the words that a person sees: what is wrong, and what to do.

use axum::http::StatusCode;
use maud::{Markup, html};
use scanhost_app::refusal::{ErrorCode, Refusal};
use scanhost_config::Scope;

use super::escape::Escaped;

#[derive(Clone, Debug)]
pub enum Trouble {
    Refused(Refusal),
    /// The visitor's token lacks this scope.
    Scope(Scope),
    /// The form does not belong to this login, or is malformed.
    Form,
    /// No page has this address.
    UnknownPage,
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Trouble {
    /// The outcome for the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code.name(),
            Self::Scope(_) => "forbidden",
            Self::Form => "bad_form",
            Self::UnknownPage => ErrorCode::NotFound.name(),
        }
    }

    pub fn code(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => match refusal.code {
                ErrorCode::InvalidArgument => StatusCode::BAD_REQUEST,
                ErrorCode::TargetNotAllowed => StatusCode::FORBIDDEN,
                ErrorCode::NotFound => StatusCode::NOT_FOUND,
                ErrorCode::NotReady | ErrorCode::Conflict | ErrorCode::NoScanner => StatusCode::CONFLICT,
                ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::Scope(_) | Self::Form => StatusCode::FORBIDDEN,
            Self::UnknownPage => StatusCode::NOT_FOUND,
        }
    }

    pub fn title(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => match refusal.code {
                ErrorCode::InvalidArgument => "This request is not valid",
                ErrorCode::TargetNotAllowed => "These targets may not be scanned",
                ErrorCode::NotFound => "There is no such scan",
                ErrorCode::NotReady => "The scan is not ready",
                ErrorCode::Conflict => "This is not possible in the present state",
                ErrorCode::NoScanner => "No scanner is available",
                ErrorCode::RateLimited => "Too many requests",
                ErrorCode::Unavailable | ErrorCode::Internal => "The server cannot do this now",
            },
            Self::Scope(_) => "Your token does not allow this",
            Self::Form => "This form is out of date",
            Self::UnknownPage => "Page not found",
        }
    }

    /// What is wrong and what to do, for a part of a page.
    pub fn message(&self) -> Markup {
        html! {
            div.callout.bad role="alert" {
                @match self {
                    Self::Refused(refusal) => {
                        p { strong { (Escaped(&first_upper(&refusal.message))) "." } }
                        p { (Escaped(advice(refusal))) }
                    }
                    Self::Scope(scope) => {
                        p { strong { "This needs a token with the scope " code { (scope.as_str()) } "." } }
                        p { "Log in with another token, or ask the operator of this server for one." }
                    }
                    Self::Form => {
                        p { strong { "The form does not belong to this login." } }
                        p { "Nothing was changed. Go back, reload the page, and send the form again." }
                    }
                    Self::UnknownPage => {
                        p { strong { "No page has this address." } }
                        p { "Start from the overview." }
                    }
                }
            }
        }
    }
}

/// What a person can do. Agents get hints in terms of their tools.
fn advice(refusal: &Refusal) -> &str {
    match refusal.code {
        ErrorCode::InvalidArgument | ErrorCode::TargetNotAllowed => &refusal.hint,
        ErrorCode::NotFound => {
            "Finished scans are deleted after their retention time. The list shows all scans that remain."
        }
        ErrorCode::NotReady => "Wait until the scan has ended. Its page shows the progress.",
        ErrorCode::Conflict => "The scan's page shows its present state and what can be done with it.",
        ErrorCode::NoScanner => "Choose another pool, or enable a scanner of this one in scanners.yaml.",
        ErrorCode::RateLimited => "Wait a few seconds, then reload the page.",
        ErrorCode::Unavailable => {
            "Reload the page in a few seconds. The list of scans shows whether a scan was submitted, and /ready shows what is wrong."
        }
        ErrorCode::Internal => "Reload the page. If the error stays, look for the cause in the log of this server.",
    }
}

fn first_upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
