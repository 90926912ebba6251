//! What the submit tools take, as agents write it.

use schemars::JsonSchema;
use serde::Deserialize;

/// What the submit tools take, all of it as the agent wrote it. Untrusted scans have no login.
#[derive(Default, Deserialize, JsonSchema)]
pub struct SubmitArgs {
    /// addresses, CIDRs, ranges (10.0.0.1-20) and host names, separated by commas or blanks; the pool's policy decides
    /// what is allowed
    pub targets: String,
    /// a short name that people recognise
    pub name: String,
    /// what the scan is for
    #[serde(default)]
    pub description: Option<String>,
    /// default profile of this scan's results (list_profiles shows them)
    #[serde(default)]
    pub schema_profile: Option<String>,
    /// any text of your own; the same key with the same arguments never scans twice (48 hours)
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// pool to use instead of the default one (list_pools shows them)
    #[serde(default)]
    pub scanner_pool: Option<String>,
    /// the only scanner of the pool that may run it
    #[serde(default)]
    pub scanner_instance: Option<String>,
    /// only where your client cannot ask its person itself: that the person you work for agrees to administrator rights
    #[serde(default)]
    pub confirm: Option<bool>,
    #[serde(flatten)]
    pub login: LoginArgs,
}

/// The login on the targets.
#[derive(Default, Deserialize, JsonSchema)]
pub struct LoginArgs {
    /// name of a login that the operator configured: the better way, since no secret passes through you
    #[serde(default)]
    pub credential: Option<String>,
    /// instead of credential: the user to log in as
    #[serde(default)]
    pub ssh_username: Option<String>,
    /// with ssh_username
    #[serde(default)]
    pub ssh_password: Option<String>,
    /// with ssh_username, instead of ssh_password: the key in PEM
    #[serde(default)]
    pub ssh_private_key: Option<String>,
    /// of ssh_private_key, where it has one
    #[serde(default)]
    pub ssh_passphrase: Option<String>,
    /// how to get more rights: sudo, su, su+sudo, pbrun, dzdo, .k5login, Cisco 'enable' or Checkpoint Gaia 'expert';
    /// required unless the credential says it
    #[serde(default)]
    pub elevate_privileges_with: Option<String>,
    /// the account to become, where it is not the method's usual one
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
