//! What a form sends. Forms of this page carry a token that only pages of the same login can know, so that no other
//! page makes a browser send one.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::Request,
    http::{HeaderMap, header},
};
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use super::{form_token::FIELD, page_request::Visit, trouble::Trouble};

/// Bytes of a form.
const MOST: usize = 64 << 10;

/// How long one may take to arrive.
const TIME: Duration = Duration::from_secs(15);

/// The fields of a form that has the right token.
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a form of this visit.
    ///
    /// # Errors
    /// When it is none, or not of this visit.
    pub async fn of(visit: &Visit, request: Request) -> Result<Self, Trouble> {
        Self::read(request, &visit.form_token()).await
    }

    /// Reads a form with this token.
    ///
    /// # Errors
    /// When it is none, or has another.
    pub async fn read(request: Request, token: &str) -> Result<Self, Trouble> {
        if !is_from_here(request.headers()) {
            return Err(Trouble::Form);
        }
        let reading = axum::body::to_bytes(request.into_body(), MOST);
        let body = tokio::time::timeout(TIME, reading).await.map_err(|_| Trouble::Form)?.map_err(|_| Trouble::Form)?;
        let fields: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
        let form = Self(fields);
        if bool::from(form.text(FIELD).as_bytes().ct_eq(token.as_bytes())) { Ok(form) } else { Err(Trouble::Form) }
    }

    /// A field without outer blanks; one that is not there is empty.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }
}

/// Browsers say where a form comes from, where they can.
fn is_from_here(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded"));
    is_form && matches!(site, None | Some("same-origin" | "none"))
}
