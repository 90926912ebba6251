//! The fields that a form sends. Every form carries a token that only pages of the same login know, so that no other
//! page can make a browser send one.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::Request,
    http::{HeaderMap, header},
};
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use super::{form_token::FIELD, trouble::Trouble, visitor::Visitor};

/// The largest form, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// How long a form may take to arrive.
const READ_TIME: Duration = Duration::from_secs(15);

/// The fields of a form whose token was right.
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a form of this visitor.
    pub async fn of(visitor: &Visitor, request: Request) -> Result<Self, Trouble> {
        Self::read(request, &visitor.form_token()).await
    }

    /// Reads a form that has to carry this token.
    pub async fn read(request: Request, token: &str) -> Result<Self, Trouble> {
        if !is_from_this_server(request.headers()) {
            return Err(Trouble::Form);
        }
        let reading = axum::body::to_bytes(request.into_body(), MAX_BYTES);
        let body =
            tokio::time::timeout(READ_TIME, reading).await.map_err(|_| Trouble::Form)?.map_err(|_| Trouble::Form)?;
        let fields: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
        let form = Self(fields);
        if bool::from(form.text(FIELD).as_bytes().ct_eq(token.as_bytes())) { Ok(form) } else { Err(Trouble::Form) }
    }

    /// The text of a field without blanks at its ends; a missing field is empty.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }
}

/// Whether the request is a form that, as far as the browser says, comes from a page of this server.
fn is_from_this_server(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded"));
    is_form && matches!(site, None | Some("same-origin" | "none"))
}
