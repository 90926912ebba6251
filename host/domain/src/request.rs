//! What an agent asked for, after it was checked.

use std::{fmt, str::FromStr};

use crate::ids::{CredentialName, InstanceId, PoolName, ProfileName};

/// How deep a scan may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScanType {
    /// From the network only.
    Untrusted,
    /// With an SSH login.
    Trusted,
    /// With an SSH login and an escalation of privileges.
    Privileged,
}

impl ScanType {
    pub const ALL: [ScanType; 3] = [Self::Untrusted, Self::Trusted, Self::Privileged];

    pub fn name(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Trusted => "trusted",
            Self::Privileged => "privileged",
        }
    }
}

impl fmt::Display for ScanType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A request for a scan that can be carried out. Its secrets, if it has any, are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanRequest {
    pub scan_type: ScanType,
    /// As the agent wrote them; they were parsed and permitted.
    pub targets: String,
    pub name: String,
    pub description: Option<String>,
    /// The default profile of this scan's results.
    pub profile: Option<ProfileName>,
    pub pool: PoolName,
    /// The only scanner it may run on.
    pub instance: Option<InstanceId>,
    pub login: Login,
}

/// The login on the targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    None,
    /// One that the operator configured.
    Named(NamedLogin),
    /// One that came with the request.
    Inline(InlineLogin),
}

/// A configured credential, and what the request says about escalation beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLogin {
    pub credential: CredentialName,
    pub escalation: Option<Escalation>,
    /// Present when the request brought a password for the escalation.
    pub sealed: Option<Sealed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineLogin {
    pub username: String,
    pub kind: LoginKind,
    pub escalation: Option<Escalation>,
    /// Absent once the scan has ended.
    pub sealed: Option<Sealed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginKind {
    Password,
    PrivateKey { has_passphrase: bool },
}

/// How to become another user after the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    pub method: EscalationMethod,
    pub account: Option<String>,
    pub has_password: bool,
}

/// A secret encrypted with the secrets key; only a worker decrypts it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(***)")
    }
}

impl ScanRequest {
    /// Removes the secrets, once the scan has ended.
    pub fn erase_secrets(&mut self) {
        match &mut self.login {
            Login::None => {}
            Login::Named(named) => named.sealed = None,
            Login::Inline(inline) => inline.sealed = None,
        }
    }
}

/// The methods of escalation that Nessus knows, by the names of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscalationMethod {
    Sudo,
    Su,
    SuAndSudo,
    Pbrun,
    Dzdo,
    K5login,
    CiscoEnable,
    GaiaExpert,
}

impl EscalationMethod {
    pub const ALL: [EscalationMethod; 8] = [
        Self::Sudo,
        Self::Su,
        Self::SuAndSudo,
        Self::Pbrun,
        Self::Dzdo,
        Self::K5login,
        Self::CiscoEnable,
        Self::GaiaExpert,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
            Self::SuAndSudo => "su+sudo",
            Self::Pbrun => "pbrun",
            Self::Dzdo => "dzdo",
            Self::K5login => ".k5login",
            Self::CiscoEnable => "Cisco 'enable'",
            Self::GaiaExpert => "Checkpoint Gaia 'expert'",
        }
    }
}

/// Text that names no method of escalation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a method of escalation: use one of sudo, su, su+sudo, pbrun, dzdo, .k5login, Cisco 'enable', Checkpoint Gaia 'expert'"
)]
pub struct UnknownEscalation;

impl FromStr for EscalationMethod {
    type Err = UnknownEscalation;

    fn from_str(text: &str) -> Result<Self, UnknownEscalation> {
        Self::ALL.into_iter().find(|method| method.name() == text).ok_or(UnknownEscalation)
    }
}
