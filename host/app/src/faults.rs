//! Quarantines versions of plugins that fail repeatedly. One that has only just come into use is rolled back to the
//! last good version.

pub mod roll_back;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use scanhost_domain::{quarantine::Quarantine, visible::visible};
use scanhost_sandbox::{CallOutcome, CallReport, Digest, Observer, StderrTail};
use scanhost_system::clock;
use tokio::sync::Notify;

use crate::{metrics::Metrics, plugins::Plugin};

/// The versions of plugins that had faults.
#[derive(Default)]
pub struct Faults {
    versions: Mutex<HashMap<Digest, Quarantine>>,
    quarantine_begun: Notify,
}

impl Faults {
    /// Waits until the quarantine of a version begins.
    async fn quarantine_begun(&self) {
        self.quarantine_begun.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Quarantine>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how long the version is still quarantined, or `None` if it may be called.
    pub fn remaining_quarantine(&self, digest: Digest) -> Option<Duration> {
        self.lock().get(&digest)?.permit(clock::now()).err()
    }

    /// Forgets the faults of versions that are not among these plugins.
    pub fn retain(&self, plugins: &[Arc<Plugin>]) {
        self.lock().retain(|digest, _| plugins.iter().any(|plugin| plugin.digest() == *digest));
    }
}

impl Observer for Faults {
    fn permit(&self, digest: Digest) -> Result<(), Duration> {
        self.remaining_quarantine(digest).map_or(Ok(()), Err)
    }

    fn stderr_written(&self, tail: &StderrTail<'_>) {
        let stderr = visible(tail.text);
        tracing::warn!(
            plugin = tail.plugin,
            function = tail.function,
            stderr,
            "the plugin wrote this to standard error before its call failed"
        );
    }

    fn call_ended(&self, report: &CallReport<'_>) {
        let CallOutcome::Fault(kind) = report.outcome else { return };
        // The plugin did not cause the other faults: its scanner was slow, or the host had no room.
        if !matches!(kind, "cpu" | "memory" | "crash" | "contract") {
            return;
        }
        let has_begun = self.lock().entry(report.digest).or_default().fault(clock::now());
        tracing::warn!(plugin = report.plugin, function = report.function, fault = kind, sha256 = %report.digest, "plugin fault");
        if has_begun {
            tracing::error!(plugin = report.plugin, sha256 = %report.digest, "the plugin failed repeatedly and is now quarantined");
            self.quarantine_begun.notify_one();
        }
    }
}

/// The observers of every call: the metrics and the faults.
pub struct Observers {
    pub metrics: Arc<Metrics>,
    pub faults: Arc<Faults>,
}

impl Observer for Observers {
    fn call_ended(&self, report: &CallReport<'_>) {
        self.metrics.call_ended(report);
        self.faults.call_ended(report);
    }

    fn permit(&self, digest: Digest) -> Result<(), Duration> {
        self.faults.permit(digest)
    }

    fn stderr_written(&self, tail: &StderrTail<'_>) {
        self.faults.stderr_written(tail);
    }
}
