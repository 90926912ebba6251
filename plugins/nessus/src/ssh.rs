//! A login on the targets in the form that Nessus expects.
//! Secrets are placeholders, which are copied unchanged; the host replaces them when it sends the request.

use scanhost_sdk::backend::{
    scanner::{Credential, Escalation, LoginSecret, ScanRequest, ScanType},
    types::ScanError,
};
use serde::Serialize;

#[cfg(test)]
mod tests;

/// The `credentials` of a new scan.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Credentials<'a> {
    add: Add<'a>,
    edit: Empty,
    delete: [(); 0],
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Add<'a> {
    #[serde(rename = "Host")]
    host: Host<'a>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Host<'a> {
    #[serde(rename = "SSH")]
    ssh: [Ssh<'a>; 1],
}

/// A login, with the names and words of Nessus.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Ssh<'a> {
    #[serde(flatten)]
    login: Login<'a>,
    username: &'a str,
    elevate_privileges_with: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalation_account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalation_password: Option<&'a str>,
    custom_password_prompt: &'static str,
    target_priority_list: &'static str,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "auth_method")]
enum Login<'a> {
    #[serde(rename = "password")]
    Password { password: &'a str },
    #[serde(rename = "public key")]
    PublicKey {
        private_key: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        private_key_passphrase: Option<&'a str>,
    },
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Empty {}

/// The credentials of the new scan; none for an untrusted scan.
pub fn credentials(request: &ScanRequest) -> Result<Option<Credentials<'_>>, ScanError> {
    let entry = match (request.scan_type, &request.credential) {
        (ScanType::Untrusted, None) => return Ok(None),
        (ScanType::Trusted, Some(credential)) => Ssh::new(credential, None),
        (ScanType::Privileged, Some(credential @ Credential { escalation: Some(escalation), .. })) => {
            Ssh::new(credential, Some(escalation))
        }
        (ScanType::Untrusted, Some(_)) => return Err(mismatch("an untrusted scan takes no credential")),
        (ScanType::Trusted | ScanType::Privileged, None) => return Err(mismatch("the scan needs a credential")),
        (ScanType::Privileged, Some(_)) => return Err(mismatch("a privileged scan needs a way to gain more rights")),
    };
    Ok(Some(Credentials { add: Add { host: Host { ssh: [entry] } }, edit: Empty {}, delete: [] }))
}

fn mismatch(text: &str) -> ScanError {
    ScanError::Invalid(text.to_owned())
}

impl<'a> Ssh<'a> {
    fn new(credential: &'a Credential, escalation: Option<&'a Escalation>) -> Self {
        let login = match &credential.secret {
            LoginSecret::Password(password) => Login::Password { password },
            LoginSecret::PrivateKey(key) => {
                Login::PublicKey { private_key: &key.key, private_key_passphrase: key.passphrase.as_deref() }
            }
        };
        Self {
            login,
            username: &credential.username,
            elevate_privileges_with: escalation.map_or("Nothing", |escalation| &escalation.method),
            escalation_account: escalation.and_then(|escalation| escalation.account.as_deref()),
            escalation_password: escalation.and_then(|escalation| escalation.password.as_deref()),
            custom_password_prompt: "",
            target_priority_list: "",
        }
    }
}
