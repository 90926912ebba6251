//! The arguments of the submit tools.

use schemars::JsonSchema;
use serde::Deserialize;

/// The arguments of the submit tools, as the agent wrote them. Untrusted scans have no login.
#[derive(Default, Deserialize, JsonSchema)]
pub struct SubmitArgs {
    /// addresses, CIDRs, ranges (10.0.0.1-20) and host names, separated by commas or blanks; the pool's policy decides what is allowed
    pub targets: String,
    /// a short name that people recognise
    pub name: String,
    /// what the scan is for
    #[serde(default)]
    pub description: Option<String>,
    /// default profile of this scan's results (list_profiles shows them)
    #[serde(default)]
    pub schema_profile: Option<String>,
    /// any text of your own; a call that repeats the key and the arguments within 48 hours does not scan again
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// pool to use instead of the default one (list_pools shows them)
    #[serde(default)]
    pub scanner_pool: Option<String>,
    /// only this scanner of the pool may run the scan
    #[serde(default)]
    pub scanner_instance: Option<String>,
    /// true if the person you work for agrees to administrator rights; only for clients that cannot ask them
    #[serde(default)]
    pub confirm: Option<bool>,
    #[serde(flatten)]
    pub login: LoginArgs,
}

/// The login on the targets.
#[derive(Default, Deserialize, JsonSchema)]
pub struct LoginArgs {
    /// name of a login that the operator configured; preferred, since you see no secret
    #[serde(default)]
    pub credential: Option<String>,
    /// user to log in as, instead of credential
    #[serde(default)]
    pub ssh_username: Option<String>,
    /// password of ssh_username
    #[serde(default)]
    pub ssh_password: Option<String>,
    /// key in PEM, instead of ssh_password
    #[serde(default)]
    pub ssh_private_key: Option<String>,
    /// passphrase of ssh_private_key, if it has one
    #[serde(default)]
    pub ssh_passphrase: Option<String>,
    /// how to become an administrator: sudo, su, su+sudo, pbrun, dzdo, .k5login, Cisco 'enable' or Checkpoint Gaia 'expert'; required unless the credential defines it
    #[serde(default)]
    pub elevate_privileges_with: Option<String>,
    /// account to become, if it is not the method's usual one
    #[serde(default)]
    pub escalation_account: Option<String>,
    /// the password that the method asks for
    #[serde(default)]
    pub escalation_password: Option<String>,
}

/// The argument of privileged scans that a person has to agree to.
pub const CONFIRM_ARGUMENT: &[&str] = &["confirm"];

/// The arguments that only scans with a login have.
pub const LOGIN_ARGUMENTS: &[&str] =
    &["credential", "ssh_username", "ssh_password", "ssh_private_key", "ssh_passphrase"];

/// The arguments that only privileged scans have.
pub const ESCALATION_ARGUMENTS: &[&str] = &["elevate_privileges_with", "escalation_account", "escalation_password"];
