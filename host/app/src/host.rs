//! What all parts of a running host share.

use std::{path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use scanhost_domain::ids::TaskId;
use scanhost_outbound::command::Programs;
use scanhost_sandbox::Sandbox;
use scanhost_store::Store;
use scanhost_system::installation::Installation;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    access::Callers, accesses::Accesses, audit::Audit, breakers::Breakers, concurrency::ConcurrencyLimit,
    faults::Faults, metrics::Metrics, open_reports::Reports, plugins::Kept, reloads::Reloads, role::Role, seal::Sealer,
    snapshot::Snapshot, waits::Waits,
};

pub struct Host {
    pub role: Role,
    pub installation: Installation,
    pub store: Arc<dyn Store>,
    pub metrics: Arc<Metrics>,
    pub sandbox: Arc<Sandbox>,
    pub snapshot: ArcSwap<Snapshot>,
    pub reloads: Reloads,
    pub kept: Kept,
    pub faults: Arc<Faults>,
    pub sealer: Sealer,
    pub breakers: Breakers,
    pub accesses: Accesses,
    pub callers: Callers,
    pub concurrency: ConcurrencyLimit,
    pub waits: Waits,
    pub audit: Audit,
    pub reports: Reports,
    /// What runs for scans of this process.
    pub programs: Arc<Programs>,
    /// The folder of all files.
    pub data: PathBuf,
    /// Everything that runs in the background; shutdown waits for it.
    pub tasks: TaskTracker,
    pub shutdown: CancellationToken,
}

impl Host {
    /// The scan's own folder.
    pub fn folder(&self, id: &TaskId) -> PathBuf {
        self.data.join("tasks").join(id.as_str())
    }

    /// Where the scan's native report is, once it was downloaded whole.
    pub fn native_report(&self, id: &TaskId) -> Option<PathBuf> {
        let entries = std::fs::read_dir(self.folder(id)).ok()?;
        let reports = entries.filter_map(Result::ok).map(|entry| entry.path());
        let is_report = |path: &PathBuf| {
            path.file_stem().is_some_and(|stem| stem == NATIVE_STEM) && path.extension().is_some_and(|e| e != "part")
        };
        reports.into_iter().find(is_report)
    }
}

/// The native report's name, without the backend's extension.
pub const NATIVE_STEM: &str = "scan_native";
