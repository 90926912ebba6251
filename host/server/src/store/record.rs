//! A scan as it is stored: JSON with a version, so that old records can be read for ever.
//! The only place where stored text becomes a [`Scan`] again.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use scanhost_domain::{
    ids::{Malformed, ScannerId},
    request::{
        Escalation, EscalationMethod, InlineLogin, Login, LoginKind, NamedLogin, ScanRequest, ScanType, Sealed,
    },
    scan::{
        AuthenticationStatus, Failure, FailureCode, Fence, Finished, Outcome, Phase, PluginVersion, Queued, Run,
        Running, Scan, ScanState, SeverityCounts, Slot, Summary, Warning,
    },
};
use serde::{Deserialize, Serialize};

/// The form that is written now.
const VERSION: u32 = 1;

/// A stored record that is not a scan.
#[derive(Debug, thiserror::Error)]
pub enum BadRecord {
    #[error("the stored scan is not the JSON it should be")]
    Json(#[from] serde_json::Error),
    #[error("the stored scan has version {0}, this program reads up to {VERSION}")]
    Version(u32),
    #[error("the stored scan has a bad {0}")]
    Value(&'static str),
}

impl From<Malformed> for BadRecord {
    fn from(malformed: Malformed) -> Self {
        Self::Value(malformed.what)
    }
}

pub fn encode(scan: &Scan) -> Vec<u8> {
    serde_json::to_vec(&ScanRecord::from(scan)).expect("a record has string keys and no foreign types")
}

/// # Errors
/// When the bytes are no record of this or an earlier version.
pub fn decode(bytes: &[u8]) -> Result<Scan, BadRecord> {
    let record: ScanRecord = serde_json::from_slice(bytes)?;
    record.try_into()
}

#[derive(Serialize, Deserialize)]
struct ScanRecord {
    v: u32,
    id: String,
    trace: String,
    sequence: u64,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_of: Option<String>,
    request: RequestRecord,
    state: StateRecord,
}

#[derive(Serialize, Deserialize)]
struct RequestRecord {
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
enum LoginRecord {
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
struct EscalationRecord {
    method: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    has_password: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum StateRecord {
    Queued,
    Running {
        slot: SlotRecord,
        started_at: Timestamp,
        fence: u64,
        phase: PhaseRecord,
        plugin_state: String,
        progress: u8,
        retries: u32,
        recoveries: u32,
        cancel_requested: bool,
    },
    Finished {
        outcome: OutcomeRecord,
        completed_at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunRecord>,
    },
}

#[derive(Serialize, Deserialize)]
struct SlotRecord {
    pool: String,
    instance: String,
    backend: String,
    plugin_version: String,
    plugin_digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
enum PhaseRecord {
    Claimed,
    Creating,
    Created { remote_id: String },
    Launching { remote_id: String },
    Launched { remote_id: String },
    Exporting { remote_id: String, fetches: u8 },
    Ingesting { remote_id: String, fetches: u8 },
}

#[derive(Serialize, Deserialize)]
struct RunRecord {
    slot: SlotRecord,
    started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
    progress: u8,
    retries: u32,
    recoveries: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum OutcomeRecord {
    Completed {
        hosts_scanned: u32,
        total_vulnerabilities: u64,
        /// Critical, high, medium, low, info.
        severity_counts: [u64; 5],
        authentication: String,
        warnings: Vec<(String, String)>,
    },
    Failed {
        code: String,
        message: String,
    },
    Timeout,
    Cancelled,
}

impl From<&Scan> for ScanRecord {
    fn from(scan: &Scan) -> Self {
        Self {
            v: VERSION,
            id: scan.id.to_string(),
            trace: scan.trace.to_string(),
            sequence: scan.sequence,
            created_at: scan.created_at,
            retry_of: scan.retry_of.as_ref().map(ToString::to_string),
            request: RequestRecord::from(&scan.request),
            state: StateRecord::from(&scan.state),
        }
    }
}

impl TryFrom<ScanRecord> for Scan {
    type Error = BadRecord;

    fn try_from(record: ScanRecord) -> Result<Self, BadRecord> {
        if record.v > VERSION {
            return Err(BadRecord::Version(record.v));
        }
        Ok(Self {
            id: record.id.try_into()?,
            trace: record.trace.try_into()?,
            sequence: record.sequence,
            created_at: record.created_at,
            retry_of: record.retry_of.map(TryInto::try_into).transpose()?,
            request: record.request.try_into()?,
            state: record.state.try_into()?,
        })
    }
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

impl From<&ScanState> for StateRecord {
    fn from(state: &ScanState) -> Self {
        match state {
            ScanState::Queued(Queued) => Self::Queued,
            ScanState::Running(running) => Self::Running {
                slot: SlotRecord::from(&running.slot),
                started_at: running.started_at,
                fence: running.fence.0,
                phase: PhaseRecord::from(&running.phase),
                plugin_state: BASE64_STANDARD.encode(&running.plugin_state),
                progress: running.progress,
                retries: running.retries,
                recoveries: running.recoveries,
                cancel_requested: running.cancel_requested,
            },
            ScanState::Finished(finished) => Self::Finished {
                outcome: OutcomeRecord::from(&finished.outcome),
                completed_at: finished.completed_at,
                run: finished.run.as_ref().map(RunRecord::from),
            },
        }
    }
}

impl TryFrom<StateRecord> for ScanState {
    type Error = BadRecord;

    fn try_from(record: StateRecord) -> Result<Self, BadRecord> {
        Ok(match record {
            StateRecord::Queued => Self::Queued(Queued),
            StateRecord::Running {
                slot,
                started_at,
                fence,
                phase,
                plugin_state,
                progress,
                retries,
                recoveries,
                cancel_requested,
            } => Self::Running(Running {
                slot: slot.try_into()?,
                started_at,
                fence: Fence(fence),
                phase: phase.into(),
                plugin_state: BASE64_STANDARD.decode(plugin_state).map_err(|_| BadRecord::Value("plugin state"))?,
                progress,
                retries,
                recoveries,
                cancel_requested,
            }),
            StateRecord::Finished { outcome, completed_at, run } => Self::Finished(Finished {
                outcome: outcome.try_into()?,
                completed_at,
                run: run.map(TryInto::try_into).transpose()?,
            }),
        })
    }
}

impl From<&Slot> for SlotRecord {
    fn from(slot: &Slot) -> Self {
        Self {
            pool: slot.scanner.pool.to_string(),
            instance: slot.scanner.instance.to_string(),
            backend: slot.backend.to_string(),
            plugin_version: slot.plugin.version.clone(),
            plugin_digest: slot.plugin.digest.clone(),
        }
    }
}

impl TryFrom<SlotRecord> for Slot {
    type Error = BadRecord;

    fn try_from(record: SlotRecord) -> Result<Self, BadRecord> {
        Ok(Self {
            scanner: ScannerId { pool: record.pool.try_into()?, instance: record.instance.try_into()? },
            backend: record.backend.try_into()?,
            plugin: PluginVersion { version: record.plugin_version, digest: record.plugin_digest },
        })
    }
}

impl From<&Phase> for PhaseRecord {
    fn from(phase: &Phase) -> Self {
        match phase.clone() {
            Phase::Claimed => Self::Claimed,
            Phase::Creating => Self::Creating,
            Phase::Created { remote_id } => Self::Created { remote_id },
            Phase::Launching { remote_id } => Self::Launching { remote_id },
            Phase::Launched { remote_id } => Self::Launched { remote_id },
            Phase::Exporting { remote_id, fetches } => Self::Exporting { remote_id, fetches },
            Phase::Ingesting { remote_id, fetches } => Self::Ingesting { remote_id, fetches },
        }
    }
}

impl From<PhaseRecord> for Phase {
    fn from(record: PhaseRecord) -> Self {
        match record {
            PhaseRecord::Claimed => Self::Claimed,
            PhaseRecord::Creating => Self::Creating,
            PhaseRecord::Created { remote_id } => Self::Created { remote_id },
            PhaseRecord::Launching { remote_id } => Self::Launching { remote_id },
            PhaseRecord::Launched { remote_id } => Self::Launched { remote_id },
            PhaseRecord::Exporting { remote_id, fetches } => Self::Exporting { remote_id, fetches },
            PhaseRecord::Ingesting { remote_id, fetches } => Self::Ingesting { remote_id, fetches },
        }
    }
}

impl From<&Run> for RunRecord {
    fn from(run: &Run) -> Self {
        Self {
            slot: SlotRecord::from(&run.slot),
            started_at: run.started_at,
            remote_id: run.remote_id.clone(),
            progress: run.progress,
            retries: run.retries,
            recoveries: run.recoveries,
        }
    }
}

impl TryFrom<RunRecord> for Run {
    type Error = BadRecord;

    fn try_from(record: RunRecord) -> Result<Self, BadRecord> {
        Ok(Self {
            slot: record.slot.try_into()?,
            started_at: record.started_at,
            remote_id: record.remote_id,
            progress: record.progress,
            retries: record.retries,
            recoveries: record.recoveries,
        })
    }
}

impl From<&Outcome> for OutcomeRecord {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Completed(summary) => {
                let counts = summary.severity_counts;
                let warning = |warning: &Warning| (warning.code.clone(), warning.message.clone());
                Self::Completed {
                    hosts_scanned: summary.hosts_scanned,
                    total_vulnerabilities: summary.total_vulnerabilities,
                    severity_counts: [counts.critical, counts.high, counts.medium, counts.low, counts.info],
                    authentication: summary.authentication.name().to_owned(),
                    warnings: summary.warnings.iter().map(warning).collect(),
                }
            }
            Outcome::Failed(failure) => {
                Self::Failed { code: failure.code.name().to_owned(), message: failure.message.clone() }
            }
            Outcome::Timeout => Self::Timeout,
            Outcome::Cancelled => Self::Cancelled,
        }
    }
}

impl TryFrom<OutcomeRecord> for Outcome {
    type Error = BadRecord;

    fn try_from(record: OutcomeRecord) -> Result<Self, BadRecord> {
        Ok(match record {
            OutcomeRecord::Completed {
                hosts_scanned,
                total_vulnerabilities,
                severity_counts: [critical, high, medium, low, info],
                authentication,
                warnings,
            } => {
                let known = AuthenticationStatus::ALL.into_iter().find(|status| status.name() == authentication);
                Self::Completed(Summary {
                    hosts_scanned,
                    total_vulnerabilities,
                    severity_counts: SeverityCounts { critical, high, medium, low, info },
                    authentication: known.ok_or(BadRecord::Value("authentication status"))?,
                    warnings: warnings.into_iter().map(|(code, message)| Warning { code, message }).collect(),
                })
            }
            OutcomeRecord::Failed { code, message } => {
                let known = FailureCode::ALL.into_iter().find(|known| known.name() == code);
                Self::Failed(Failure { code: known.ok_or(BadRecord::Value("failure code"))?, message })
            }
            OutcomeRecord::Timeout => Self::Timeout,
            OutcomeRecord::Cancelled => Self::Cancelled,
        })
    }
}
