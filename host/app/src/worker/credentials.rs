//! The login of a scan, opened for the one call that needs it.

use scanhost_config::{Credential, CredentialEscalation, CredentialLogin, Secret};
use scanhost_domain::{
    request::{Escalation, Login, LoginKind},
    scan::{FailureCode, Scan},
};

use crate::{request_secrets::RequestSecrets, seal::Sealer, snapshot::Snapshot, trouble::Trouble};

/// What the scan logs in with; none for an untrusted one.
pub fn open(scan: &Scan, snapshot: &Snapshot, sealer: &Sealer) -> Result<Option<Credential>, Trouble> {
    let gone = |what: &str| Trouble::permanent(FailureCode::Configuration, what.to_owned());
    let (sealed, escalation) = match &scan.request.login {
        Login::None => return Ok(None),
        Login::Named(named) => (&named.sealed, &named.escalation),
        Login::Inline(inline) => (&inline.sealed, &inline.escalation),
    };
    let mut secrets = match sealed {
        None => RequestSecrets::default(),
        Some(sealed) => {
            let plain = sealer.open_sealed(sealed, scan.id.as_str());
            let plain =
                plain.map_err(|_| gone("the scan's secrets were sealed with another key than this host has"))?;
            serde_json::from_slice(&plain).map_err(|_| gone("the scan's secrets cannot be read"))?
        }
    };
    let escalation = escalation.as_ref().map(|escalation: &Escalation| CredentialEscalation {
        method: escalation.method,
        account: escalation.account.clone(),
        password: secrets.escalation_password.take().map(Secret::new),
    });
    match &scan.request.login {
        Login::None => Ok(None),
        Login::Named(named) => {
            let configured = snapshot.config.credentials.get(&named.credential);
            let configured = configured.ok_or_else(|| gone("the scan's credential is no longer configured"))?;
            let escalation = escalation.or_else(|| configured.escalation.clone());
            Ok(Some(Credential { escalation, ..configured.clone() }))
        }
        Login::Inline(inline) => {
            let missing = || gone("the scan's secrets are gone");
            let login = match inline.kind {
                LoginKind::Password => {
                    CredentialLogin::Password(Secret::new(secrets.password.take().ok_or_else(missing)?))
                }
                LoginKind::PrivateKey { .. } => CredentialLogin::PrivateKey {
                    key: Secret::new(secrets.private_key.take().ok_or_else(missing)?),
                    passphrase: secrets.passphrase.take().map(Secret::new),
                },
            };
            Ok(Some(Credential { username: inline.username.clone(), login, escalation }))
        }
    }
}
