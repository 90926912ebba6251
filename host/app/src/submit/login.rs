//! The login of a request: complete, unambiguous, its secrets sealed before anything is stored.

use std::str::FromStr as _;

use scanhost_domain::{
    ids::{CredentialName, TaskId},
    request::{Escalation, EscalationMethod, InlineLogin, Login, LoginKind, NamedLogin, ScanType},
};

use super::args::LoginArgs;
use crate::{host::Host, refusal::Refusal, request_secrets::RequestSecrets, snapshot::Snapshot};

const MAX_SECRET: usize = 64 << 10;

/// The login that a scan of this type needs, its secrets sealed.
pub fn login(
    snapshot: &Snapshot,
    scan_type: ScanType,
    mut args: LoginArgs,
    host: &Host,
    id: &TaskId,
) -> Result<Login, Refusal> {
    if scan_type == ScanType::Untrusted {
        return Ok(Login::None);
    }
    let too_long = [&args.ssh_password, &args.ssh_private_key, &args.ssh_passphrase, &args.escalation_password]
        .into_iter()
        .flatten()
        .any(|secret| secret.len() > MAX_SECRET);
    if too_long {
        return Err(Refusal::invalid(format!("a secret has more than {MAX_SECRET} bytes"), "Use a shorter secret."));
    }
    let escalation_password = args.escalation_password.take();
    let escalation = escalation(&args, escalation_password.is_some())?;
    let mut secrets = RequestSecrets::default();
    secrets.escalation_password = escalation_password;
    let seal = |secrets: &RequestSecrets| {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(secrets).expect("texts are always JSON"));
        host.sealer.seal(&plain, id.as_str())
    };
    if let Some(asked) = &args.credential {
        let credential = find_credential(snapshot, asked)?;
        if args.ssh_username.is_some()
            || args.ssh_password.is_some()
            || args.ssh_private_key.is_some()
            || args.ssh_passphrase.is_some()
        {
            return Err(Refusal::invalid(
                "credential and ssh_… arguments exclude each other",
                "Give `credential` alone: the operator configured the login that it names.",
            ));
        }
        let configured = snapshot.config.credentials.get(&credential);
        if scan_type == ScanType::Privileged
            && escalation.is_none()
            && configured.is_none_or(|configured| configured.escalation.is_none())
        {
            return Err(missing_escalation());
        }
        let sealed = (!secrets.is_empty()).then(|| seal(&secrets));
        return Ok(Login::Named(NamedLogin { credential, escalation, sealed }));
    }
    let username = args.ssh_username.take().filter(|name| !name.trim().is_empty()).ok_or_else(|| {
        Refusal::invalid(
            "a login is missing: give credential, or ssh_username with ssh_password or ssh_private_key",
            credential_hint(snapshot),
        )
    })?;
    if scan_type == ScanType::Privileged && escalation.is_none() {
        return Err(missing_escalation());
    }
    let given =
        (args.ssh_password.take().filter(|s| !s.is_empty()), args.ssh_private_key.take().filter(|s| !s.is_empty()));
    let kind = match given {
        (Some(password), None) => {
            if args.ssh_passphrase.is_some() {
                return Err(Refusal::invalid(
                    "ssh_passphrase is given without ssh_private_key",
                    "Leave ssh_passphrase out, or give ssh_private_key instead of ssh_password.",
                ));
            }
            secrets.password = Some(password);
            LoginKind::Password
        }
        (None, Some(private_key)) => {
            secrets.private_key = Some(private_key);
            secrets.passphrase = args.ssh_passphrase.take();
            LoginKind::PrivateKey { has_passphrase: secrets.passphrase.is_some() }
        }
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid("ssh_password and ssh_private_key exclude each other", "Give one of them."));
        }
        (None, None) => {
            return Err(Refusal::invalid(
                "ssh_username needs ssh_password or ssh_private_key",
                credential_hint(snapshot),
            ));
        }
    };
    Ok(Login::Inline(InlineLogin { username, kind, escalation, sealed: Some(seal(&secrets)) }))
}

fn escalation(args: &LoginArgs, has_password: bool) -> Result<Option<Escalation>, Refusal> {
    let Some(method) = &args.elevate_privileges_with else {
        return if args.escalation_account.is_some() || has_password {
            Err(Refusal::invalid(
                "escalation_account and escalation_password need elevate_privileges_with",
                escalation_hint(),
            ))
        } else {
            Ok(None)
        };
    };
    let method = EscalationMethod::from_str(method)
        .map_err(|_| Refusal::invalid("elevate_privileges_with has an unknown value", escalation_hint()))?;
    Ok(Some(Escalation { method, account: args.escalation_account.clone(), has_password }))
}

fn missing_escalation() -> Refusal {
    Refusal::invalid("elevate_privileges_with is missing", escalation_hint())
}

fn escalation_hint() -> String {
    let names: Vec<_> = EscalationMethod::ALL.iter().map(|method| method.name()).collect();
    format!("Values are: {}. For a login without administrator rights, use run_trusted_scan.", names.join(", "))
}

pub fn find_credential(snapshot: &Snapshot, asked: &str) -> Result<CredentialName, Refusal> {
    let known = snapshot.config.credentials.keys().find(|name| name.as_str() == asked);
    known.cloned().ok_or_else(|| Refusal::invalid("there is no such credential", credential_hint(snapshot)))
}

fn credential_hint(snapshot: &Snapshot) -> String {
    let names: Vec<_> = snapshot.config.credentials.keys().map(CredentialName::as_str).collect();
    if names.is_empty() {
        "The operator has configured no credentials; give ssh_username with a secret instead.".into()
    } else {
        format!("Configured credentials are: {}.", names.join(", "))
    }
}
