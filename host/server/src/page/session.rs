//! Logins of people. A browser gets a random number in a cookie. Under the number's hash the store keeps the token's name
//! and a keyed hash of the token's text. So every process on the store knows a login, a logout ends it everywhere, it ends
//! when its token is removed or changed, and neither the cookie nor the store can be used as a token.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use scanhost_app::host::Host;
use scanhost_config::Token;
use scanhost_store::StoreError;
use scanhost_system::clock;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How long a login lasts: a working day.
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

    /// Reads the session id from the request's cookie.
    pub fn from_cookie(host: &Host, headers: &HeaderMap) -> Option<Self> {
        let name = cookie_name(host);
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, id) = pairs.find(|(key, _)| *key == name)?;
        (id.len() == 43).then(|| Self(id.to_owned()))
    }

    /// The key in the store. It is a hash, so that nobody who reads the store learns the number.
    fn key(&self) -> String {
        format!("page-{}", text(Sha256::digest(self.0.as_bytes())))
    }
}

/// Begins a login.
pub async fn begin(host: &Host, token: &Token) -> Result<SessionId, StoreError> {
    let id = SessionId(text(rand::random::<[u8; 32]>()));
    let login = Login { token: token.name.clone(), proof: proof(host, token) };
    let login = serde_json::to_vec(&login).expect("texts are always JSON");
    host.sessions.put_session(&id.key(), &login, clock::now() + LIFE).await?;
    Ok(id)
}

/// The token that a login stands for, while the login and the token are valid.
pub async fn resume<'a>(host: &Host, tokens: &'a [Token], id: &SessionId) -> Result<Option<&'a Token>, StoreError> {
    let Some(stored) = host.sessions.session(&id.key(), clock::now()).await? else { return Ok(None) };
    let Ok(login) = serde_json::from_slice::<Login>(&stored) else { return Ok(None) };
    let token = tokens.iter().find(|token| token.name == login.token);
    Ok(token.filter(|token| proof(host, token) == login.proof))
}

/// Ends a login, for every browser that has it.
pub async fn end(host: &Host, id: &SessionId) -> Result<(), StoreError> {
    host.sessions.delete_session(&id.key()).await
}

/// The cookie of a login, which a browser keeps from scripts and from requests that other sites make.
pub fn cookie(host: &Host, id: &SessionId, is_secure: bool) -> HeaderValue {
    with_attributes(&format!("{}={}; Max-Age={}", cookie_name(host), id.0, LIFE.as_secs()), is_secure)
}

/// The cookie that makes a browser forget its login.
pub fn expired_cookie(host: &Host, is_secure: bool) -> HeaderValue {
    with_attributes(&format!("{}=; Max-Age=0", cookie_name(host)), is_secure)
}

fn with_attributes(cookie: &str, is_secure: bool) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{cookie}; Path=/; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&cookie).expect("names and numbers of ours are visible ASCII")
}

/// Cookies ignore ports, so the name keeps the logins of two installations on one machine apart.
fn cookie_name(host: &Host) -> String {
    format!("scanhost_{}", host.installation)
}

/// Proves that a login was made with the token's present text. Only this installation can make it.
fn proof(host: &Host, token: &Token) -> String {
    text(host.sealer.keyed_hash(&[b"page login".as_slice(), &token.digest()].concat()))
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
