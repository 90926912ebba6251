//! Credentials that the operator configures, so that no agent has to know them.

use std::collections::BTreeMap;

use scanhost_domain::{ids::CredentialName, request::EscalationMethod};

use super::{fields::Fields, setting::Setting};
use crate::secret::Secret;

#[derive(Clone, Debug)]
pub struct Credential {
    pub username: String,
    pub login: Login,
    pub escalation: Option<Escalation>,
}

#[derive(Clone, Debug)]
pub enum Login {
    Password(Secret),
    PrivateKey { key: Secret, passphrase: Option<Secret> },
}

/// How to escalate privileges after the login.
#[derive(Clone, Debug)]
pub struct Escalation {
    pub method: EscalationMethod,
    pub account: Option<String>,
    pub password: Option<Secret>,
}

pub(super) fn read_all(setting: &Setting<'_>) -> Option<BTreeMap<CredentialName, Credential>> {
    let read = |(name, credential): (Option<CredentialName>, Setting<'_>)| {
        let credential = read(&credential);
        Some((name?, credential?))
    };
    Some(setting.named()?.into_iter().filter_map(read).collect())
}

fn read(setting: &Setting<'_>) -> Option<Credential> {
    let mut fields = setting.fields();
    let username = fields.required("ssh_username").and_then(|username| filled(&username));
    let login = login(&mut fields);
    let escalation = escalation(&mut fields);
    fields.finish();
    Some(Credential { username: username?, login: login?, escalation })
}

fn login(fields: &mut Fields<'_>) -> Option<Login> {
    let (password, key) = (fields.get("ssh_password"), fields.get("ssh_private_key"));
    let passphrase = fields.get("ssh_passphrase");
    if let (Some(passphrase), None) = (&passphrase, &key) {
        passphrase.report("needs `ssh_private_key`, which is not given");
    }
    match (password, key) {
        (Some(password), None) => Some(Login::Password(password.secret()?)),
        (None, Some(key)) => {
            let passphrase = passphrase.and_then(|passphrase| passphrase.secret());
            Some(Login::PrivateKey { key: key.secret()?, passphrase })
        }
        (Some(_), Some(key)) => {
            key.report("a credential has `ssh_password` or `ssh_private_key`, not both");
            None
        }
        (None, None) => {
            fields.report("needs one of `ssh_password` and `ssh_private_key`");
            None
        }
    }
}

fn escalation(fields: &mut Fields<'_>) -> Option<Escalation> {
    let method = fields.get("elevate_privileges_with");
    let (account, password) = (fields.get("escalation_account"), fields.get("escalation_password"));
    let Some(method) = method else {
        for setting in account.iter().chain(&password) {
            setting.report("needs `elevate_privileges_with`, which is not given");
        }
        return None;
    };
    let account = account.and_then(|account| filled(&account));
    let password = password.and_then(|password| password.secret());
    Some(Escalation { method: method.parse()?, account, password })
}

fn filled(setting: &Setting<'_>) -> Option<String> {
    let text = setting.text()?;
    if text.is_empty() || text.chars().any(char::is_control) {
        setting.report("must be a name, without control characters");
    }
    Some(text.to_owned())
}
