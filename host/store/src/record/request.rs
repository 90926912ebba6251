//! A stored request.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use scanhost_domain::request::{
    Escalation, EscalationMethod, InlineLogin, Login, LoginKind, NamedLogin, ScanRequest, ScanType, Sealed,
};
use serde::{Deserialize, Serialize};

use super::error::BadRecord;

#[derive(Serialize, Deserialize)]
pub struct RequestRecord {
    scan_type: String,
    targets: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    pool: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<LoginRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LoginRecord {
    Named {
        credential: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        escalation: Option<EscalationRecord>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sealed: Option<String>,
    },
    Password {
        username: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        escalation: Option<EscalationRecord>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sealed: Option<String>,
    },
    PrivateKey {
        username: String,
        has_passphrase: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        escalation: Option<EscalationRecord>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sealed: Option<String>,
    },
}

#[derive(Serialize, Deserialize)]
pub struct EscalationRecord {
    method: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    has_password: bool,
}

impl From<&ScanRequest> for RequestRecord {
    fn from(request: &ScanRequest) -> Self {
        let sealed = |sealed: &Option<Sealed>| sealed.as_ref().map(|sealed| BASE64_STANDARD.encode(&sealed.0));
        let escalation = |escalation: &Option<Escalation>| escalation.as_ref().map(EscalationRecord::from);
        let login = match &request.login {
            Login::None => None,
            Login::Named(named) => Some(LoginRecord::Named {
                credential: named.credential.to_string(),
                escalation: escalation(&named.escalation),
                sealed: sealed(&named.sealed),
            }),
            Login::Inline(inline) => Some(match inline.kind {
                LoginKind::Password => LoginRecord::Password {
                    username: inline.username.clone(),
                    escalation: escalation(&inline.escalation),
                    sealed: sealed(&inline.sealed),
                },
                LoginKind::PrivateKey { has_passphrase } => LoginRecord::PrivateKey {
                    username: inline.username.clone(),
                    has_passphrase,
                    escalation: escalation(&inline.escalation),
                    sealed: sealed(&inline.sealed),
                },
            }),
        };
        Self {
            scan_type: request.scan_type.name().to_owned(),
            targets: request.targets.clone(),
            name: request.name.clone(),
            description: request.description.clone(),
            profile: request.profile.as_ref().map(ToString::to_string),
            pool: request.pool.to_string(),
            instance: request.instance.as_ref().map(ToString::to_string),
            login,
        }
    }
}

impl TryFrom<RequestRecord> for ScanRequest {
    type Error = BadRecord;

    fn try_from(record: RequestRecord) -> Result<Self, BadRecord> {
        let scan_type = ScanType::ALL.into_iter().find(|scan_type| scan_type.name() == record.scan_type);
        let login = match record.login {
            None => Login::None,
            Some(LoginRecord::Named { credential, escalation, sealed }) => Login::Named(NamedLogin {
                credential: credential.try_into()?,
                escalation: escalation.map(TryInto::try_into).transpose()?,
                sealed: sealed.map(unseal_text).transpose()?,
            }),
            Some(LoginRecord::Password { username, escalation, sealed }) => Login::Inline(InlineLogin {
                username,
                kind: LoginKind::Password,
                escalation: escalation.map(TryInto::try_into).transpose()?,
                sealed: sealed.map(unseal_text).transpose()?,
            }),
            Some(LoginRecord::PrivateKey { username, has_passphrase, escalation, sealed }) => {
                Login::Inline(InlineLogin {
                    username,
                    kind: LoginKind::PrivateKey { has_passphrase },
                    escalation: escalation.map(TryInto::try_into).transpose()?,
                    sealed: sealed.map(unseal_text).transpose()?,
                })
            }
        };
        Ok(Self {
            scan_type: scan_type.ok_or(BadRecord::Value("scan type"))?,
            targets: record.targets,
            name: record.name,
            description: record.description,
            profile: record.profile.map(TryInto::try_into).transpose()?,
            pool: record.pool.try_into()?,
            instance: record.instance.map(TryInto::try_into).transpose()?,
            login,
        })
    }
}

fn unseal_text(text: String) -> Result<Sealed, BadRecord> {
    BASE64_STANDARD.decode(text).map(Sealed).map_err(|_| BadRecord::Value("sealed secret"))
}

impl From<&Escalation> for EscalationRecord {
    fn from(escalation: &Escalation) -> Self {
        Self {
            method: escalation.method.name().to_owned(),
            account: escalation.account.clone(),
            has_password: escalation.has_password,
        }
    }
}

impl TryFrom<EscalationRecord> for Escalation {
    type Error = BadRecord;

    fn try_from(record: EscalationRecord) -> Result<Self, BadRecord> {
        let method: EscalationMethod = record.method.parse().map_err(|_| BadRecord::Value("escalation"))?;
        Ok(Self { method, account: record.account, has_password: record.has_password })
    }
}
