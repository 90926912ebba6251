//! What all parts of a running host share.

use std::{path::PathBuf, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use scanhost_domain::ids::TaskId;
use scanhost_outbound::command::Programs;
use scanhost_sandbox::Sandbox;
use scanhost_store::{DeadLetters, RemoteScans, ScannerReports, Scans, Sessions, Settings};
use scanhost_system::{
    held_folder::{FolderError, HeldFolder},
    installation::Installation,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    access::Callers, accesses::Accesses, audit::Audit, breakers::Breakers, concurrency::ConcurrencyLimit,
    crash_mark::CrashMarks, faults::Faults, metrics::Metrics, open_reports::Reports, orphans::Orphans,
    plugins::PluginArchive, reloads::Reloads, role::Role, seal::Sealer, snapshot::Snapshot, store_watch::StoreWatch,
    waits::Waits,
};

/// How long the file system may take to answer.
const PROBE_TIME: Duration = Duration::from_secs(4);

pub struct Host {
    pub role: Role,
    pub installation: Installation,
    pub scans: Arc<dyn Scans>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub remote_scans: Arc<dyn RemoteScans>,
    pub scanner_reports: Arc<dyn ScannerReports>,
    pub sessions: Arc<dyn Sessions>,
    pub settings: Arc<dyn Settings>,
    pub metrics: Arc<Metrics>,
    pub sandbox: Arc<Sandbox>,
    pub snapshot: ArcSwap<Snapshot>,
    pub reloads: Reloads,
    pub plugin_archive: PluginArchive,
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
    pub store_watch: StoreWatch,
    /// Scans at the scanners that no task owns.
    pub orphans: Orphans,
    /// Which scans this process works on at this moment.
    pub crash_marks: CrashMarks,
    /// The folder of all files.
    pub data: PathBuf,
    /// The same folder, as this process was started on it.
    pub held_folder: Arc<HeldFolder>,
    /// Everything that runs in the background; shutdown waits for it.
    pub tasks: TaskTracker,
    pub shutdown: CancellationToken,
    /// Cancelled when the process is about to shut down: it still answers, and takes no more work.
    pub leaving: CancellationToken,
}

impl Host {
    /// Checks that the data folder is there, is the one that this process was started on, and can be written.
    ///
    /// # Errors
    /// With what an operator can do.
    pub async fn probe_folder(&self) -> Result<(), FolderError> {
        let held = self.held_folder.clone();
        self.ask_file_system(move || held.probe()).await
    }

    /// Checks that the data folder is there and is the one that this process was started on.
    ///
    /// # Errors
    /// With what an operator can do.
    pub async fn check_folder(&self) -> Result<(), FolderError> {
        let held = self.held_folder.clone();
        self.ask_file_system(move || held.check()).await
    }

    /// Asks on a thread for blocking work, and does not wait for ever: a file system may hang.
    async fn ask_file_system(
        &self,
        ask: impl FnOnce() -> Result<(), FolderError> + Send + 'static,
    ) -> Result<(), FolderError> {
        let probing = tokio::task::spawn_blocking(ask);
        match tokio::time::timeout(PROBE_TIME, probing).await {
            Ok(Ok(probed)) => probed,
            Ok(Err(_)) | Err(_) => Err(FolderError::Unusable {
                path: self.data.clone(),
                action: "reached",
                source: std::io::ErrorKind::TimedOut.into(),
            }),
        }
    }

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
