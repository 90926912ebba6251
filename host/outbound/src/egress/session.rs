//! Logging in as a backend's description says, and the header that each request then carries.

use http::{HeaderName, HeaderValue};
use scanhost_config::Secret;
use scanhost_sandbox::{AuthScheme, KeyAuth, SessionAuth};
use serde_json::Value as Json;

/// How this host authenticates at one scanner.
pub enum Login {
    None,
    /// Every request has the same header.
    Keys {
        header: HeaderName,
        value: HeaderValue,
    },
    Session(Box<Session>),
}

/// Where and with what to log in, and where the token goes.
pub struct Session {
    pub login_path: String,
    /// The JSON body with the secrets filled in.
    pub login_body: Secret,
    pub token_pointer: String,
    pub header: HeaderName,
    pub template: String,
    pub logout_path: Option<String>,
}

/// Why the configured `auth` cannot be used with the backend.
#[derive(Debug, thiserror::Error)]
pub enum UnusableAuth {
    #[error("its `auth` lacks the keys that the backend needs: {0}")]
    NoScheme(String),
    #[error("the backend describes a login that cannot be used: {0}")]
    BadScheme(&'static str),
}

impl Login {
    /// The first of the backend's schemes for which the configuration has everything.
    pub fn choose(schemes: &[AuthScheme], auth: &[(String, Secret)]) -> Result<Self, UnusableAuth> {
        if schemes.is_empty() {
            return Ok(Self::None);
        }
        for scheme in schemes {
            if names(scheme).iter().all(|name| auth.iter().any(|(key, _)| key == name)) {
                return match scheme {
                    AuthScheme::Keys(keys) => Self::keys(keys, auth),
                    AuthScheme::Session(session) => Self::session(session, auth),
                };
            }
        }
        let sets: Vec<String> = schemes.iter().map(|scheme| names(scheme).join(" and ")).collect();
        Err(UnusableAuth::NoScheme(sets.join("; or ")))
    }

    /// The header that carries the login, which no plugin may set.
    pub fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::None => None,
            Self::Keys { header, .. } => Some(header),
            Self::Session(session) => Some(&session.header),
        }
    }

    fn keys(keys: &KeyAuth, auth: &[(String, Secret)]) -> Result<Self, UnusableAuth> {
        let value = fill(&keys.template, auth, str::to_owned);
        let mut value =
            HeaderValue::from_str(&value).map_err(|_| UnusableAuth::BadScheme("a key is not a valid header value"))?;
        value.set_sensitive(true);
        Ok(Self::Keys { header: header_name(&keys.header)?, value })
    }

    fn session(session: &SessionAuth, auth: &[(String, Secret)]) -> Result<Self, UnusableAuth> {
        let in_json = |text: &str| {
            let quoted = serde_json::to_string(text).expect("text is always JSON");
            quoted[1..quoted.len() - 1].to_owned()
        };
        Ok(Self::Session(Box::new(Session {
            login_path: session.login_path.clone(),
            login_body: Secret::new(fill(&session.login_body, auth, in_json)),
            token_pointer: session.token_pointer.clone(),
            header: header_name(&session.header)?,
            template: session.template.clone(),
            logout_path: session.logout_path.clone(),
        })))
    }
}

impl Session {
    /// The token in the answer to a login.
    pub fn token(&self, answer: &[u8]) -> Option<Secret> {
        let answer: Json = serde_json::from_slice(answer).ok()?;
        answer.pointer(&self.token_pointer)?.as_str().map(|token| Secret::new(token.to_owned()))
    }

    /// The header's value with this token.
    pub fn value(&self, token: &Secret) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.template.replace("{token}", token.expose())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn header_name(name: &str) -> Result<HeaderName, UnusableAuth> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| UnusableAuth::BadScheme("its header has an invalid name"))
}

/// The names in braces in a scheme, which are the keys that it needs from the configuration.
fn names(scheme: &AuthScheme) -> Vec<String> {
    let template = match scheme {
        AuthScheme::Keys(keys) => &keys.template,
        AuthScheme::Session(session) => &session.login_body,
    };
    let is_name = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let opened = template.split('{').skip(1);
    opened.filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).filter(is_name).map(str::to_owned).collect()
}

fn fill(template: &str, auth: &[(String, Secret)], escape: impl Fn(&str) -> String) -> String {
    // Only braces of the template count, so that braces in a secret stay as they are.
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, opened)) = rest.split_once('{') {
        filled.push_str(before);
        let named = opened.split_once('}').and_then(|(name, after)| {
            let (_, secret) = auth.iter().find(|(key, _)| key == name)?;
            Some((secret, after))
        });
        match named {
            Some((secret, after)) => {
                filled.push_str(&escape(secret.expose()));
                rest = after;
            }
            None => {
                filled.push('{');
                rest = opened;
            }
        }
    }
    filled + rest
}
