//! Tokens of callers, and their scopes.

use std::{collections::BTreeSet, net::SocketAddr};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{fields::Fields, listen::is_loopback, setting::Setting};
use crate::secret::Secret;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Read,
    Submit,
    Admin,
}

impl Scope {
    pub const ALL: [Self; 3] = [Self::Read, Self::Submit, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "scan:read",
            Self::Submit => "scan:submit",
            Self::Admin => "scan:admin",
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scope = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        scope.ok_or("unknown scope; the scopes are scan:read, scan:submit and scan:admin")
    }
}

#[derive(Clone, Debug)]
pub struct Token {
    /// The name that logs and records show.
    pub name: String,
    pub scopes: BTreeSet<Scope>,
    pub secret: TokenSecret,
    /// The secret before the last rotation, which is good until its end.
    pub previous: Option<PreviousSecret>,
}

#[derive(Clone, Debug)]
pub struct PreviousSecret {
    pub secret: TokenSecret,
    pub until: Timestamp,
}

#[derive(Clone, Debug)]
pub enum TokenSecret {
    Plain(Secret),
    /// The digest of the token's text.
    Sha256([u8; 32]),
}

impl Token {
    /// The SHA-256 of the token's text.
    pub fn digest(&self) -> [u8; 32] {
        self.secret.digest()
    }

    /// The SHA-256 of each text that is good at this time.
    pub fn digests(&self, now: Timestamp) -> impl Iterator<Item = [u8; 32]> {
        let previous = self.previous.as_ref().filter(|previous| now < previous.until);
        [Some(self.secret.digest()), previous.map(|previous| previous.secret.digest())].into_iter().flatten()
    }
}

impl TokenSecret {
    fn digest(&self) -> [u8; 32] {
        match self {
            Self::Plain(secret) => Sha256::digest(secret.expose()).into(),
            Self::Sha256(digest) => *digest,
        }
    }
}

/// Checks that a token may have this name.
pub fn permit_name(name: &str) -> Result<(), &'static str> {
    let is_name = !name.trim().is_empty() && name.len() <= 64 && !name.chars().any(char::is_control);
    if is_name { Ok(()) } else { Err("must have 1 to 64 bytes, no control characters, and not only blanks") }
}

/// The tokens of a server that listens on this address.
pub(super) fn read_all(setting: &Setting<'_>, listen: SocketAddr) -> Option<Vec<Token>> {
    let mut names = BTreeSet::new();
    let mut digests = BTreeSet::new();
    setting.list_of(|item| {
        let token = read(&item, &mut names, listen)?;
        let previous = token.previous.as_ref().map(|previous| previous.secret.digest());
        let is_new = [Some(token.digest()), previous].into_iter().flatten().all(|digest| digests.insert(digest));
        if !is_new {
            item.report(
                "another entry has the same token: give each entry its own, so that the host can tell callers apart",
            );
        }
        Some(token)
    })
}

fn read(setting: &Setting<'_>, names: &mut BTreeSet<String>, listen: SocketAddr) -> Option<Token> {
    let mut fields = setting.fields();
    let name = fields.required("name").and_then(|name| {
        let text = name.text()?;
        if let Err(reason) = permit_name(text) {
            name.report(reason);
        } else if !names.insert(text.to_owned()) {
            name.report("another token has this name");
        }
        Some(text.to_owned())
    });
    let scopes = fields.required("scopes").and_then(|scopes| {
        if scopes.is_empty_list() {
            scopes.report("a token without a scope can do nothing: give it at least one");
        }
        let read: BTreeSet<Scope> = scopes.list_of(|scope| scope.parse())?.into_iter().collect();
        if !scopes.has_problem() && read.iter().eq([&Scope::Admin]) {
            let called = name.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default();
            scopes.warn(format!(
                "the token{called} cannot call any tool, since scan:admin alone allows none: add scan:read or scan:submit"
            ));
        }
        Some(read)
    });
    let secret = read_secret(&mut fields, listen);
    let previous = fields.get("previous").and_then(|previous| read_previous(&previous, listen));
    fields.finish();
    Some(Token { name: name?, scopes: scopes?, secret: secret?, previous })
}

fn read_secret(fields: &mut Fields<'_>, listen: SocketAddr) -> Option<TokenSecret> {
    match (fields.get("token"), fields.get("sha256")) {
        (Some(token), None) => plain(&token, listen),
        (None, Some(digest)) => sha256(&digest).map(TokenSecret::Sha256),
        (Some(_), Some(digest)) => {
            digest.report("a token has `token` or `sha256`, not both");
            None
        }
        (None, None) => {
            fields.report("needs `token`, or its digest as `sha256`");
            None
        }
    }
}

/// The secret that is being replaced, and when it ends.
fn read_previous(setting: &Setting<'_>, listen: SocketAddr) -> Option<PreviousSecret> {
    let mut fields = setting.fields();
    let secret = read_secret(&mut fields, listen);
    let until = fields.required("until").and_then(|until| {
        let end = until.text()?.parse::<Timestamp>();
        if end.is_err() {
            until.report("must be a time such as 2026-12-31T18:00:00Z");
        }
        end.ok()
    });
    fields.finish();
    Some(PreviousSecret { secret: secret?, until: until? })
}

/// Fewer characters can be guessed. A random token of 128 bits has at least 22 characters of Base64.
const SHORTEST_BEYOND_LOOPBACK: usize = 22;

fn plain(setting: &Setting<'_>, listen: SocketAddr) -> Option<TokenSecret> {
    let secret = setting.secret()?;
    if secret.expose().len() < SHORTEST_BEYOND_LOOPBACK && !is_loopback(listen) {
        setting.warn(format!(
            "the token has fewer than {SHORTEST_BEYOND_LOOPBACK} characters, which is easy to guess for everyone who \
             reaches {listen}: make a longer one with `scanhost token new`"
        ));
    }
    if !secret.expose().bytes().all(|b| b.is_ascii_graphic()) {
        setting.report("a token must consist of visible ASCII characters, since it is sent in a header");
    }
    Some(TokenSecret::Plain(secret))
}

/// A digest as 64 hexadecimal digits.
pub(super) fn sha256(setting: &Setting<'_>) -> Option<[u8; 32]> {
    let text = setting.text()?;
    let mut digest = [0; 32];
    let is_digest = text.len() == 64
        && digest.iter_mut().zip(text.as_bytes().chunks(2)).all(|(byte, digits)| {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            digit(digits[0]).zip(digit(digits[1])).map(|(high, low)| *byte = high << 4 | low).is_some()
        });
    if is_digest {
        return Some(digest);
    }
    setting.report("must be a SHA-256 as 64 hexadecimal digits");
    None
}
