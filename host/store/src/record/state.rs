//! A stored state.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use scanhost_domain::{
    ids::ScannerId,
    scan::{
        AuthenticationStatus, Failure, FailureCode, Fence, Finished, FinishedFields, Outcome, Phase, PhaseName,
        PluginVersion, Queued, Run, Running, RunningFields, ScanState, SeverityCounts, Slot, Summary, Warning,
    },
};
use serde::{Deserialize, Serialize};

use super::error::BadRecord;

#[derive(Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum StateRecord {
    Queued,
    Running {
        slot: SlotRecord,
        started_at: Timestamp,
        fence: u64,
        phase: PhaseRecord,
        plugin_state: String,
        progress: u8,
        retries: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<String>,
        recoveries: u32,
        #[serde(default)]
        crashes: u32,
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
pub struct SlotRecord {
    pool: String,
    instance: String,
    backend: String,
    plugin_version: String,
    plugin_digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum PhaseRecord {
    Claimed,
    Creating,
    Created { remote_id: String },
    Launching { remote_id: String },
    Launched { remote_id: String },
    Exporting { remote_id: String, fetches: u8 },
    Ingesting { remote_id: String, fetches: u8 },
}

#[derive(Serialize, Deserialize)]
pub struct RunRecord {
    slot: SlotRecord,
    started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    plugin_state: String,
    progress: u8,
    retries: u32,
    recoveries: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OutcomeRecord {
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
                trouble: running.trouble.clone(),
                recoveries: running.recoveries,
                crashes: running.crashes,
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
                trouble,
                recoveries,
                crashes,
                cancel_requested,
            } => Self::Running(Running::restore(RunningFields {
                slot: slot.try_into()?,
                started_at,
                fence: Fence(fence),
                phase: phase.into(),
                plugin_state: BASE64_STANDARD.decode(plugin_state).map_err(|_| BadRecord::Value("plugin state"))?,
                progress,
                retries,
                trouble,
                recoveries,
                crashes,
                cancel_requested,
            })),
            StateRecord::Finished { outcome, completed_at, run } => Self::Finished(Finished::restore(FinishedFields {
                outcome: outcome.try_into()?,
                completed_at,
                run: run.map(TryInto::try_into).transpose()?,
            })),
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
            phase: run.phase.map(|phase| phase.name().to_owned()),
            plugin_state: BASE64_STANDARD.encode(&run.plugin_state),
            progress: run.progress,
            retries: run.retries,
            recoveries: run.recoveries,
        }
    }
}

impl TryFrom<RunRecord> for Run {
    type Error = BadRecord;

    fn try_from(record: RunRecord) -> Result<Self, BadRecord> {
        let phase = |name: String| {
            let known = PhaseName::ALL.into_iter().find(|phase| phase.name() == name);
            known.ok_or(BadRecord::Value("phase"))
        };
        Ok(Self {
            slot: record.slot.try_into()?,
            started_at: record.started_at,
            remote_id: record.remote_id,
            phase: record.phase.map(phase).transpose()?,
            plugin_state: BASE64_STANDARD.decode(record.plugin_state).map_err(|_| BadRecord::Value("plugin state"))?,
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
