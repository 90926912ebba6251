//! From an agent's arguments to a scan in the queue: everything is checked before anything is stored.

use std::{str::FromStr, sync::Arc};

use jiff::SignedDuration;
use scanhost_domain::{
    ids::{CredentialName, IdempotencyKey, InstanceId, PoolName, ProfileName, TaskId, TraceId},
    request::{Escalation, EscalationMethod, InlineLogin, Login, LoginKind, NamedLogin, ScanRequest, ScanType},
    scan::{AuthenticationStatus, Scan, Summary, Warning},
    target::Targets,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::{
    clock,
    config::Pool,
    host::Host,
    refusal::{ErrorCode, Refusal},
    snapshot::Snapshot,
    store::{Idempotency, NewScan, Submitted},
    worker::RequestSecrets,
};

const MAX_NAME: usize = 256;
const MAX_DESCRIPTION: usize = 4_096;
const MAX_SECRET: usize = 64 << 10;

/// What a small scan takes, for estimating a wait before anything is known.
const TYPICAL_SCAN_SECONDS: u64 = 300;

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

/// The arguments that only scans with a login have.
pub const LOGIN_ARGUMENTS: &[&str] =
    &["credential", "ssh_username", "ssh_password", "ssh_private_key", "ssh_passphrase"];

/// The arguments that only privileged scans have.
pub const ESCALATION_ARGUMENTS: &[&str] = &["elevate_privileges_with", "escalation_account", "escalation_password"];

/// What a call brings beside its arguments.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub trace: Option<TraceId>,
    /// From the header `X-Idempotency-Key`.
    pub idempotency_key: Option<String>,
}

/// A scan that is in the queue, or was before.
pub struct Submission {
    pub scan: Scan,
    pub position: Option<u64>,
    pub estimated_wait_seconds: u64,
    pub idempotent: bool,
}

/// Checks the request, and puts it into the queue.
///
/// # Errors
/// When it is malformed, refused by the policy, or cannot be stored. Nothing is stored then.
pub async fn submit(
    host: &Arc<Host>,
    caller: &Caller,
    tool: &str,
    raw: &Map<String, Json>,
    scan_type: ScanType,
    args: SubmitArgs,
) -> Result<Submission, Refusal> {
    let snapshot = host.snapshot.load_full();
    let id = new_task_id();
    let key = idempotency_key(caller, args.idempotency_key.as_deref())?;
    let pool = choose_pool(&snapshot, args.scanner_pool.as_deref())?;
    let request = check(&snapshot, pool, scan_type, args, host, &id)?;
    let now = clock::now();
    let retention = snapshot.config.retention.idempotency;
    let idempotency = key.map(|key| Idempotency {
        key,
        request_hash: host.sealer.keyed_hash(&canonical(tool, raw)),
        expires_at: now + SignedDuration::try_from(retention).unwrap_or(SignedDuration::from_hours(48)),
    });
    let trace = caller.trace.clone().unwrap_or_else(new_trace_id);
    let new = NewScan { id, trace, request, created_at: now, retry_of: None, idempotency, max_depth: pool.max_depth };
    match host.store.submit(new).await? {
        Submitted::New { scan, position } => {
            tracing::info!(scan = %scan.id, trace = %scan.trace, pool = %scan.request.pool, position, "scan submitted");
            let estimated_wait_seconds = estimate_wait(host, &snapshot, pool, position).await;
            Ok(Submission { scan, position: Some(position), estimated_wait_seconds, idempotent: false })
        }
        Submitted::Known { scan: Some(scan), .. } => {
            let position = host.store.position(&scan).await?;
            let estimated_wait_seconds = match position {
                Some(position) => estimate_wait(host, &snapshot, pool, position).await,
                None => 0,
            };
            Ok(Submission { scan, position, estimated_wait_seconds, idempotent: true })
        }
        Submitted::Known { id, scan: None } => Err(Refusal::new(
            ErrorCode::Conflict,
            format!("the idempotency key was used for the scan {id}, which has been deleted"),
            "Use a new idempotency_key to scan again.",
        )),
        Submitted::KeyTaken => Err(Refusal::new(
            ErrorCode::Conflict,
            "the idempotency key was used for another request",
            "Repeat the first request exactly, or use a new idempotency_key.",
        )),
        Submitted::Full { depth } => Err(Refusal::new(
            ErrorCode::Unavailable,
            format!("the queue of pool `{}` is full: {depth} scans wait", pool.name),
            "Try again later, or name another scanner_pool (list_pools shows them).",
        )),
    }
}

/// A new id: it sorts by time and cannot be guessed.
pub fn new_task_id() -> TaskId {
    ulid::Ulid::generate().to_string().try_into().expect("a ULID is a task id")
}

pub fn new_trace_id() -> TraceId {
    let trace = rand::random::<u128>().max(1);
    format!("{trace:032x}").try_into().expect("32 hexadecimal digits are a trace id")
}

/// The trace id of a `traceparent` header, or of a plain `X-Trace-Id`.
pub fn parse_trace(traceparent: Option<&str>, trace_id: Option<&str>) -> Option<TraceId> {
    let of_parent = traceparent.and_then(|header| header.split('-').nth(1)).and_then(|trace| trace.parse().ok());
    let plain = || {
        let text = trace_id?.trim().to_ascii_lowercase();
        text.replace('-', "").parse().ok()
    };
    of_parent.or_else(plain)
}

fn idempotency_key(caller: &Caller, argument: Option<&str>) -> Result<Option<IdempotencyKey>, Refusal> {
    let text = match (argument, caller.idempotency_key.as_deref()) {
        (Some(argument), Some(header)) if argument != header => {
            return Err(Refusal::invalid(
                "the argument idempotency_key and the header X-Idempotency-Key differ",
                "Give one of them, or the same value in both.",
            ));
        }
        (argument, header) => argument.or(header),
    };
    let parse = |text: &str| IdempotencyKey::from_str(text).map_err(|error| Refusal::invalid(error.to_string(), ""));
    text.map(parse).transpose()
}

fn choose_pool<'a>(snapshot: &'a Snapshot, asked: Option<&str>) -> Result<&'a Pool, Refusal> {
    let name = match asked {
        None => snapshot.config.default_pool.clone(),
        Some(asked) => find_pool(snapshot, asked)?,
    };
    let pool = snapshot.pool(&name).ok_or_else(|| {
        Refusal::new(ErrorCode::NoScanner, "there is no pool of scanners", "The operator has to configure one.")
    })?;
    if pool.scanners.iter().any(|scanner| scanner.enabled) {
        Ok(pool)
    } else {
        Err(Refusal::new(
            ErrorCode::NoScanner,
            format!("pool `{name}` has no enabled scanner"),
            "Use another scanner_pool (list_pools shows them), or ask the operator to enable a scanner.",
        ))
    }
}

/// The pool of that name.
///
/// # Errors
/// When there is none; the hint names those that exist.
pub fn find_pool(snapshot: &Snapshot, asked: &str) -> Result<PoolName, Refusal> {
    let known = snapshot.config.pools.iter().find(|pool| pool.name.as_str() == asked);
    known.map(|pool| pool.name.clone()).ok_or_else(|| {
        let names: Vec<_> = snapshot.config.pools.iter().map(|pool| pool.name.as_str()).collect();
        Refusal::invalid("there is no such scanner_pool", format!("Pools are: {}.", names.join(", ")))
    })
}

/// The profile of that name.
///
/// # Errors
/// When there is none; the hint names those that exist.
pub fn find_profile(snapshot: &Snapshot, asked: &str) -> Result<ProfileName, Refusal> {
    let known = snapshot.profiles.iter().find(|profile| profile.name.as_str() == asked);
    known.map(|profile| profile.name.clone()).ok_or_else(|| {
        let names: Vec<_> = snapshot.profiles.iter().map(|profile| profile.name.as_str()).collect();
        Refusal::invalid("there is no such schema_profile", format!("Profiles are: {}.", names.join(", ")))
    })
}

fn check(
    snapshot: &Snapshot,
    pool: &Pool,
    scan_type: ScanType,
    args: SubmitArgs,
    host: &Host,
    id: &TaskId,
) -> Result<ScanRequest, Refusal> {
    let name = args.name.trim();
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Refusal::invalid(
            format!("name must have 1 to {MAX_NAME} bytes and no control characters"),
            "Give the scan a short name that people recognise.",
        ));
    }
    if args.description.as_ref().is_some_and(|text| text.len() > MAX_DESCRIPTION) {
        return Err(Refusal::invalid(format!("description has more than {MAX_DESCRIPTION} bytes"), "Shorten it."));
    }
    let targets = Targets::parse(&args.targets, u64::MAX).map_err(|error| {
        Refusal::invalid(
            error.to_string(),
            "targets takes addresses, CIDRs, ranges (10.0.0.1-20) and host names, separated by commas or blanks.",
        )
    })?;
    pool.policy.permit(&targets).map_err(|refusal| {
        Refusal::new(ErrorCode::TargetNotAllowed, refusal.to_string(), format!("pool `{}`: {}", pool.name, refusal.hint()))
    })?;
    let profile = args.schema_profile.as_deref().map(|name| find_profile(snapshot, name)).transpose()?;
    let instance = args.scanner_instance.as_deref().map(|name| find_instance(pool, name)).transpose()?;
    Ok(ScanRequest {
        scan_type,
        targets: args.targets.trim().to_owned(),
        name: name.to_owned(),
        description: args.description.filter(|text| !text.trim().is_empty()),
        profile,
        pool: pool.name.clone(),
        instance,
        login: login(snapshot, scan_type, args.login, host, id)?,
    })
}

fn find_instance(pool: &Pool, asked: &str) -> Result<InstanceId, Refusal> {
    let known = pool.scanners.iter().find(|scanner| scanner.instance_id.as_str() == asked);
    let names = || {
        let enabled = pool.scanners.iter().filter(|scanner| scanner.enabled);
        enabled.map(|scanner| scanner.instance_id.as_str()).collect::<Vec<_>>().join(", ")
    };
    match known {
        None => Err(Refusal::invalid(
            format!("pool `{}` has no such scanner_instance", pool.name),
            format!("Enabled scanners of this pool are: {}.", names()),
        )),
        Some(scanner) if !scanner.enabled => Err(Refusal::new(
            ErrorCode::NoScanner,
            format!("the scanner `{}` is disabled", scanner.instance_id),
            format!("Enabled scanners of this pool are: {}.", names()),
        )),
        Some(scanner) => Ok(scanner.instance_id.clone()),
    }
}

fn login(
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
        return Err(Refusal::invalid(format!("a secret has more than {MAX_SECRET} bytes"), ""));
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
        if args.ssh_username.is_some() || args.ssh_password.is_some() || args.ssh_private_key.is_some() {
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
    let given = (args.ssh_password.take().filter(|s| !s.is_empty()), args.ssh_private_key.take().filter(|s| !s.is_empty()));
    let kind = match given {
        (Some(password), None) => {
            if args.ssh_passphrase.is_some() {
                return Err(Refusal::invalid("ssh_passphrase goes with ssh_private_key", "Leave it out."));
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
        .map_err(|_| Refusal::invalid("elevate_privileges_with is none of the known ways", escalation_hint()))?;
    Ok(Some(Escalation { method, account: args.escalation_account.clone(), has_password }))
}

fn missing_escalation() -> Refusal {
    Refusal::invalid("elevate_privileges_with is missing", escalation_hint())
}

fn escalation_hint() -> String {
    let names: Vec<_> = EscalationMethod::ALL.iter().map(|method| method.name()).collect();
    format!("Ways are: {}. For a login without more rights use run_trusted_scan.", names.join(", "))
}

fn find_credential(snapshot: &Snapshot, asked: &str) -> Result<CredentialName, Refusal> {
    let known = snapshot.config.credentials.keys().find(|name| name.as_str() == asked);
    known.cloned().ok_or_else(|| Refusal::invalid("there is no such credential", credential_hint(snapshot)))
}

fn credential_hint(snapshot: &Snapshot) -> String {
    let names: Vec<_> = snapshot.config.credentials.keys().map(CredentialName::as_str).collect();
    if names.is_empty() {
        "The operator has configured no credentials; ssh_username with a secret is the other way.".into()
    } else {
        format!("Configured credentials are: {}.", names.join(", "))
    }
}

/// The same bytes for the same request: keys sorted, null as absent, without the idempotency key.
fn canonical(tool: &str, raw: &Map<String, Json>) -> Vec<u8> {
    let mut arguments: Vec<_> =
        raw.iter().filter(|(name, value)| name.as_str() != "idempotency_key" && !value.is_null()).collect();
    arguments.sort_by_key(|(name, _)| name.as_str());
    serde_json::to_vec(&(tool, arguments)).expect("JSON is always JSON")
}

async fn estimate_wait(host: &Host, snapshot: &Snapshot, pool: &Pool, position: u64) -> u64 {
    let active = host.store.active().await.unwrap_or_default();
    let (mut capacity, mut free) = (0, 0);
    for scanner in snapshot.scanners.iter().filter(|scanner| scanner.id.pool == pool.name && scanner.config.enabled) {
        let busy = active.iter().find(|(id, _)| *id == scanner.id).map_or(0, |(_, count)| *count);
        capacity += u64::from(scanner.config.max_concurrent_scans);
        free += u64::from(scanner.config.max_concurrent_scans.saturating_sub(busy));
    }
    position.saturating_sub(free).div_ceil(capacity.max(1)) * TYPICAL_SCAN_SECONDS
}

/// Adds what an agent should do about what the report says.
pub fn with_hints(mut summary: Summary, request: &ScanRequest) -> Summary {
    let mut warn = |code: &str, message: &str| {
        if !summary.warnings.iter().any(|warning| warning.code == code) {
            summary.warnings.push(Warning { code: code.into(), message: message.into() });
        }
    };
    if summary.hosts_scanned == 0 {
        warn("no_hosts", "no host answered: check that the targets are up and that the scanner can reach them");
    }
    if request.scan_type != ScanType::Untrusted {
        match summary.authentication {
            AuthenticationStatus::Failed => warn(
                "authentication_failed",
                "the credentials worked on no host, so local checks are missing: check user name and secret, that SSH \
                 is reachable from the scanner, and that the account may log in",
            ),
            AuthenticationStatus::Partial => warn(
                "authentication_partial",
                "the credentials did not work on every host, or with too few rights: results are incomplete there",
            ),
            AuthenticationStatus::Success | AuthenticationStatus::Unknown | AuthenticationStatus::NotApplicable => {}
        }
    }
    summary
}
