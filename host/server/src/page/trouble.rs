//! What a person gets to see who cannot have what was asked for: what is wrong, and what to do.

use axum::http::StatusCode;
use maud::{Markup, html};
use scanhost_app::refusal::{ErrorCode, Refusal};
use scanhost_config::Scope;

use super::escape::Told;

#[derive(Clone, Debug)]
pub enum Trouble {
    Refused(Refusal),
    /// Their token lacks it.
    Scope(Scope),
    /// The form is not of this login, or no form.
    Form,
    Nowhere,
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Trouble {
    /// For the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code.name(),
            Self::Scope(_) => "forbidden",
            Self::Form => "bad_form",
            Self::Nowhere => ErrorCode::NotFound.name(),
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
            Self::Nowhere => StatusCode::NOT_FOUND,
        }
    }

    pub fn title(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => match refusal.code {
                ErrorCode::InvalidArgument => "That cannot be asked for",
                ErrorCode::TargetNotAllowed => "These targets may not be scanned",
                ErrorCode::NotFound => "There is no such scan",
                ErrorCode::NotReady => "Not yet",
                ErrorCode::Conflict => "That does not go together",
                ErrorCode::NoScanner => "No scanner for that",
                ErrorCode::RateLimited => "Too much at once",
                ErrorCode::Unavailable | ErrorCode::Internal => "This server cannot do that now",
            },
            Self::Scope(_) => "Your token does not allow that",
            Self::Form => "That form is out of date",
            Self::Nowhere => "There is nothing here",
        }
    }

    /// What is wrong and what to do, for the middle of a page.
    pub fn told(&self) -> Markup {
        html! {
            div.callout.bad role="alert" {
                @match self {
                    Self::Refused(refusal) => {
                        p { strong { (Told(&first_upper(&refusal.message))) "." } }
                        p { (Told(advice(refusal))) }
                    }
                    Self::Scope(scope) => {
                        p { strong { "This needs a token with the scope " code { (scope.as_str()) } "." } }
                        p { "Log out and log in with another one, or ask whoever runs this server for it." }
                    }
                    Self::Form => {
                        p { strong { "The form was not made for this login." } }
                        p { "Nothing was done. Go back, load the page again, and send it once more." }
                    }
                    Self::Nowhere => {
                        p { strong { "No page has this address." } }
                        p { "The overview leads to everything there is." }
                    }
                }
            }
        }
    }
}

/// What a person can do; agents are told in terms of their tools.
fn advice(refusal: &Refusal) -> &str {
    match refusal.code {
        ErrorCode::InvalidArgument | ErrorCode::TargetNotAllowed => &refusal.hint,
        ErrorCode::NotFound => {
            "Finished scans are deleted after their retention time. All that are left are in the list."
        }
        ErrorCode::NotReady => "Wait until the scan has ended: its page shows how far it is.",
        ErrorCode::Conflict => "The scan's page shows what it is now, and what can be done with it.",
        ErrorCode::NoScanner => "Choose another pool, or enable a scanner of this one in scanners.yaml.",
        ErrorCode::RateLimited => "Wait a few seconds and load the page again.",
        ErrorCode::Unavailable => {
            "Load the page again in a few seconds; the list of scans shows what was taken in, /ready what is wrong."
        }
        ErrorCode::Internal => "Load the page again. If it stays, the cause is in the log of this server.",
    }
}

fn first_upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
