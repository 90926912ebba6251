//! Versions of plugins that fail again and again: they are left alone for a while, and one that has just come into use
//! makes room for the last good one.

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

/// The versions that have failed lately.
#[derive(Default)]
pub struct Faults {
    versions: Mutex<HashMap<Digest, Quarantine>>,
    begun: Notify,
}

impl Faults {
    /// Ready once the quarantine of a version has begun.
    async fn quarantine_begun(&self) {
        self.begun.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Quarantine>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the version is left alone from now; none for one that may be called.
    pub fn rest(&self, digest: Digest) -> Option<Duration> {
        self.lock().get(&digest)?.permit(clock::now()).err()
    }

    /// Forgets versions that are not among these.
    pub fn keep(&self, plugins: &[Arc<Plugin>]) {
        self.lock().retain(|digest, _| plugins.iter().any(|plugin| plugin.digest() == *digest));
    }
}

impl Observer for Faults {
    fn permit(&self, digest: Digest) -> Result<(), Duration> {
        self.rest(digest).map_or(Ok(()), Err)
    }

    fn stderr_written(&self, words: &StderrTail<'_>) {
        let stderr = visible(words.text);
        tracing::warn!(plugin = words.plugin, function = words.function, stderr, "a plugin's last words");
    }

    fn call_ended(&self, report: &CallReport<'_>) {
        let CallOutcome::Fault(kind) = report.outcome else { return };
        // The others are no fault of the plugin's: its scanner was slow, or the host had no room.
        if !matches!(kind, "cpu" | "memory" | "crash" | "contract") {
            return;
        }
        let has_begun = self.lock().entry(report.digest).or_default().fault(clock::now());
        tracing::warn!(plugin = report.plugin, function = report.function, fault = kind, sha256 = %report.digest, "plugin fault");
        if has_begun {
            tracing::error!(plugin = report.plugin, sha256 = %report.digest, "the plugin fails again and again and is left alone for a while");
            self.begun.notify_one();
        }
    }
}

/// All who want to know of every call.
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

    fn stderr_written(&self, words: &StderrTail<'_>) {
        self.faults.stderr_written(words);
    }
}
