//! Logins of people. A browser gets a random number in a cookie. What it stands for is in the store, under the number's
//! hash: which token, and a keyed hash of that token's text. So every process on the store knows a login, a logout ends it
//! everywhere, it ends with its token or with another text of it, and neither the cookie nor the store is good as a token.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use scanhost_app::host::Host;
use scanhost_config::Token;
use scanhost_store::StoreError;
use scanhost_system::clock;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A working day.
const LIFE: SignedDuration = SignedDuration::from_hours(12);

/// The random number as text.
#[derive(Clone)]
pub struct SessionId(String);

/// A login as it is stored.
#[derive(Serialize, Deserialize)]
struct Login {
    token: String,
    proof: String,
}

impl SessionId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one in the request's cookie.
    pub fn of(host: &Host, headers: &HeaderMap) -> Option<Self> {
        let name = cookie_name(host);
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, id) = pairs.find(|(key, _)| *key == name)?;
        (id.len() == 43).then(|| Self(id.to_owned()))
    }

    /// Where the store has it: not under the number itself, which who reads the store shall not learn.
    fn key(&self) -> String {
        format!("page-{}", text(Sha256::digest(self.0.as_bytes())))
    }
}

/// Begins a login.
///
/// # Errors
/// When the store cannot be used.
pub async fn begin(host: &Host, token: &Token) -> Result<SessionId, StoreError> {
    let id = SessionId(text(rand::random::<[u8; 32]>()));
    let login = Login { token: token.name.clone(), proof: proof(host, token) };
    let login = serde_json::to_vec(&login).expect("texts are always JSON");
    host.store.put_session(&id.key(), &login, clock::now() + LIFE).await?;
    Ok(id)
}

/// The token that a login stands for, while both are good.
///
/// # Errors
/// When the store cannot be used.
pub async fn resume<'a>(host: &Host, tokens: &'a [Token], id: &SessionId) -> Result<Option<&'a Token>, StoreError> {
    let Some(stored) = host.store.session(&id.key(), clock::now()).await? else { return Ok(None) };
    let Ok(login) = serde_json::from_slice::<Login>(&stored) else { return Ok(None) };
    let token = tokens.iter().find(|token| token.name == login.token);
    Ok(token.filter(|token| proof(host, token) == login.proof))
}

/// Ends a login, for every browser that has it.
///
/// # Errors
/// When the store cannot be used.
pub async fn end(host: &Host, id: &SessionId) -> Result<(), StoreError> {
    host.store.delete_session(&id.key()).await
}

/// What makes a browser keep it: away from scripts, and from requests that other sites make.
pub fn cookie(host: &Host, id: &SessionId, is_secure: bool) -> HeaderValue {
    set(&format!("{}={}; Max-Age={}", cookie_name(host), id.0, LIFE.as_secs()), is_secure)
}

/// What makes a browser forget it.
pub fn no_cookie(host: &Host, is_secure: bool) -> HeaderValue {
    set(&format!("{}=; Max-Age=0", cookie_name(host)), is_secure)
}

fn set(cookie: &str, is_secure: bool) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{cookie}; Path=/; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&cookie).expect("names and numbers of ours are visible ASCII")
}

/// Cookies know no ports: two installations on one machine keep theirs apart by their names.
fn cookie_name(host: &Host) -> String {
    format!("scanhost_{}", host.installation)
}

/// That a login was made with the token's present text. Only this installation can make it.
fn proof(host: &Host, token: &Token) -> String {
    text(host.sealer.keyed_hash(&[b"page login".as_slice(), &token.digest()].concat()))
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
