//! Keeps secrets from plugins: placeholders on the way out, `***` on the way in.

use std::borrow::Cow;

use rand::Rng as _;
use scanhost_config::{self as config, CredentialLogin, Secret};
use scanhost_sandbox::{Credential, Escalation, LoginSecret, PrivateKey};

/// The shortest secret that is struck, in bytes. Shorter ones occur in ordinary text: striking them would damage it and
/// reveal them.
const SHORTEST_STRUCK: usize = 8;

/// The placeholders of one call's secrets. Their nonce cannot be guessed, so an agent cannot write one.
pub struct Placeholders {
    nonce: String,
    secrets: Vec<(String, Secret)>,
}

impl Default for Placeholders {
    fn default() -> Self {
        Self { nonce: format!("{:032x}", rand::rng().random::<u128>()), secrets: Vec::new() }
    }
}

impl Placeholders {
    /// The credential as a plugin may see it.
    pub fn hide(&mut self, credential: &config::Credential) -> Credential {
        let secret = match &credential.login {
            CredentialLogin::Password(password) => LoginSecret::Password(self.replace(password)),
            CredentialLogin::PrivateKey { key, passphrase } => LoginSecret::PrivateKey(PrivateKey {
                key: self.replace(key),
                passphrase: passphrase.as_ref().map(|passphrase| self.replace(passphrase)),
            }),
        };
        let escalation = credential.escalation.as_ref().map(|escalation| Escalation {
            method: escalation.method.name().to_owned(),
            account: escalation.account.clone(),
            password: escalation.password.as_ref().map(|password| self.replace(password)),
        });
        Credential { username: credential.username.clone(), secret, escalation }
    }

    fn replace(&mut self, secret: &Secret) -> String {
        let placeholder = format!("scanhost-secret-{}-{}", self.nonce, self.secrets.len());
        self.secrets.push((placeholder.clone(), secret.clone()));
        placeholder
    }

    /// Replaces the placeholders by their secrets, escaped for a JSON string.
    pub fn fill<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        let mut body = Cow::Borrowed(body);
        // The longest number first, since placeholder 10 begins with placeholder 1.
        for (placeholder, secret) in self.secrets.iter().rev() {
            if contains(&body, placeholder.as_bytes()) {
                let quoted = serde_json::to_string(secret.expose()).expect("text is always JSON");
                let escaped = &quoted.as_bytes()[1..quoted.len() - 1];
                body = Cow::Owned(replace(&body, placeholder.as_bytes(), escaped));
            }
        }
        body
    }

    pub fn redaction(&self) -> Redaction {
        Redaction::of(self.secrets.iter().map(|(_, secret)| secret))
    }
}

/// Strikes secrets from what a plugin gets to see.
#[derive(Clone, Default)]
pub struct Redaction(Vec<Secret>);

impl Redaction {
    /// Strikes each secret as it is and as it is escaped in JSON.
    pub fn of<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let long = secrets.filter(|secret| secret.expose().len() >= SHORTEST_STRUCK);
        let forms = long.flat_map(|secret| {
            let quoted = serde_json::to_string(secret.expose()).expect("text is always JSON");
            let escaped = quoted[1..quoted.len() - 1].to_owned();
            let differs = escaped != secret.expose();
            [Some(secret.clone()), differs.then(|| Secret::new(escaped))].into_iter().flatten()
        });
        Self(forms.collect())
    }

    pub fn and(mut self, other: Redaction) -> Self {
        self.0.extend(other.0);
        self
    }

    pub fn strike(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.0
            .iter()
            .map(|secret| secret.expose().as_bytes())
            .fold(bytes, |bytes, secret| if contains(&bytes, secret) { replace(&bytes, secret, b"***") } else { bytes })
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(bytes, wanted).is_some()
}

fn replace(bytes: &[u8], wanted: &[u8], with: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, wanted) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(with);
        rest = &rest[at + wanted.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}
