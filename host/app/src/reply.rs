//! The replies about a scan: one form for tools, the command line and the record in the scan's folder.

use scanhost_domain::{
    ids::TaskId,
    request::{Escalation, Login, LoginKind},
    scan::{AuthenticationStatus, FailureCode, Outcome, Scan, ScanState, SeverityCounts, Summary},
};
use schemars::JsonSchema;
use serde::Serialize;

/// The status of a scan. Fields that do not apply are left out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StatusReply {
    pub task_id: String,
    pub trace_id: String,
    /// queued, running, completed, failed, timeout or cancelled
    pub status: &'static str,
    /// untrusted, trusted or privileged
    pub scan_type: &'static str,
    pub scanner_pool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanner_instance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    pub targets: String,
    pub name: String,
    /// RFC 3339, UTC
    pub created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// percent, 0 to 100
    pub progress: u8,
    /// position in the queue, from 1
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<u64>,
    /// 1, plus one for every retried call to the scanner and every lost worker
    pub attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_scan_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
    /// success, partial, failed, unknown or not_applicable
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningReply>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<FailureReply>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results_summary: Option<SummaryReply>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WarningReply {
    pub code: String,
    pub message: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FailureReply {
    pub code: &'static str,
    pub message: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SummaryReply {
    pub hosts_scanned: u32,
    pub total_vulnerabilities: u64,
    pub severity_counts: CountsReply,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct CountsReply {
    pub critical: u64,
    pub high: u64,
    pub medium: u64,
    pub low: u64,
    pub info: u64,
}

impl From<SeverityCounts> for CountsReply {
    fn from(counts: SeverityCounts) -> Self {
        let SeverityCounts { critical, high, medium, low, info } = counts;
        Self { critical, high, medium, low, info }
    }
}

impl StatusReply {
    /// `position` is the scan's place in the queue, while it waits.
    pub fn new(scan: &Scan, position: Option<u64>) -> Self {
        let mut reply = Self {
            task_id: scan.id.to_string(),
            trace_id: scan.trace.to_string(),
            status: scan.status().name(),
            scan_type: scan.request.scan_type.name(),
            scanner_pool: scan.request.pool.to_string(),
            scanner_instance: scan.request.instance.as_ref().map(ToString::to_string),
            backend: None,
            targets: scan.request.targets.clone(),
            name: scan.request.name.clone(),
            created_at: scan.created_at.to_string(),
            started_at: None,
            completed_at: None,
            progress: 0,
            queue_position: None,
            attempts: 0,
            remote_scan_id: None,
            retry_of: scan.retry_of.as_ref().map(TaskId::to_string),
            authentication_status: None,
            warnings: Vec::new(),
            error: None,
            results_summary: None,
        };
        match &scan.state {
            // One that has no place any more is about to start.
            ScanState::Queued(_) => reply.queue_position = position.or(Some(1)),
            ScanState::Running(running) => {
                reply.scanner_instance = Some(running.slot.scanner.instance.to_string());
                reply.backend = Some(running.slot.backend.to_string());
                reply.started_at = Some(running.started_at.to_string());
                reply.progress = running.progress;
                reply.attempts = 1 + running.recoveries + running.retries;
                reply.remote_scan_id = running.phase.remote_id().map(str::to_owned);
                reply.warnings.extend(running.trouble.as_ref().map(|trouble| WarningReply {
                    code: FailureCode::ScannerUnavailable.name().to_owned(),
                    message: format!("{trouble}: the host tries again"),
                }));
            }
            ScanState::Finished(finished) => {
                reply.completed_at = Some(finished.completed_at.to_string());
                if let Some(run) = &finished.run {
                    reply.scanner_instance = Some(run.slot.scanner.instance.to_string());
                    reply.backend = Some(run.slot.backend.to_string());
                    reply.started_at = Some(run.started_at.to_string());
                    reply.progress = run.progress;
                    reply.attempts = 1 + run.recoveries + run.retries;
                    reply.remote_scan_id = run.remote_id.clone();
                }
                reply.end(&finished.outcome);
            }
        }
        reply
    }

    fn end(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Completed(summary) => {
                self.authentication_status = Some(summary.authentication.name());
                self.results_summary = Some(SummaryReply::from(summary));
                let warning = |warning: &scanhost_domain::scan::Warning| WarningReply {
                    code: warning.code.clone(),
                    message: warning.message.clone(),
                };
                self.warnings = summary.warnings.iter().map(warning).collect();
            }
            Outcome::Failed(failure) => {
                self.error = Some(FailureReply { code: failure.code.name(), message: failure.message.clone() });
                if failure.code == FailureCode::ScannerLogin {
                    self.authentication_status = Some(AuthenticationStatus::Unknown.name());
                }
            }
            Outcome::Timeout => {
                let message = "the scan reached its time limit and was stopped".to_owned();
                self.error = Some(FailureReply { code: "timeout", message });
            }
            Outcome::Cancelled => {}
        }
    }
}

impl From<&Summary> for SummaryReply {
    fn from(summary: &Summary) -> Self {
        Self {
            hosts_scanned: summary.hosts_scanned,
            total_vulnerabilities: summary.total_vulnerabilities,
            severity_counts: summary.severity_counts.into(),
        }
    }
}

/// The request as stored, with `***` in the place of secrets.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SettingsReply {
    pub task_id: String,
    pub trace_id: String,
    pub scan_type: &'static str,
    pub targets: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_profile: Option<String>,
    pub scanner_pool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanner_instance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_password: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_private_key: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_passphrase: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elevate_privileges_with: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation_account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation_password: Option<&'static str>,
}

/// What replaces a secret.
const MASK: &str = "***";

impl SettingsReply {
    pub fn new(scan: &Scan) -> Self {
        let request = &scan.request;
        let mut reply = Self {
            task_id: scan.id.to_string(),
            trace_id: scan.trace.to_string(),
            scan_type: request.scan_type.name(),
            targets: request.targets.clone(),
            name: request.name.clone(),
            description: request.description.clone(),
            schema_profile: request.profile.as_ref().map(ToString::to_string),
            scanner_pool: request.pool.to_string(),
            scanner_instance: request.instance.as_ref().map(ToString::to_string),
            credential: None,
            ssh_username: None,
            ssh_password: None,
            ssh_private_key: None,
            ssh_passphrase: None,
            elevate_privileges_with: None,
            escalation_account: None,
            escalation_password: None,
        };
        match &request.login {
            Login::None => {}
            Login::Named(named) => {
                reply.credential = Some(named.credential.to_string());
                reply.escalate(named.escalation.as_ref());
            }
            Login::Inline(inline) => {
                reply.ssh_username = Some(inline.username.clone());
                match inline.kind {
                    LoginKind::Password => reply.ssh_password = Some(MASK),
                    LoginKind::PrivateKey { has_passphrase } => {
                        reply.ssh_private_key = Some(MASK);
                        reply.ssh_passphrase = has_passphrase.then_some(MASK);
                    }
                }
                reply.escalate(inline.escalation.as_ref());
            }
        }
        reply
    }

    fn escalate(&mut self, escalation: Option<&Escalation>) {
        let Some(escalation) = escalation else { return };
        self.elevate_privileges_with = Some(escalation.method.name());
        self.escalation_account.clone_from(&escalation.account);
        self.escalation_password = escalation.has_password.then_some(MASK);
    }
}
