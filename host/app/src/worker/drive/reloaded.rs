//! Which version of its backend drives a scan: the present one, where that can read what the scan's own one has written
//! about it.

use std::{sync::Arc, time::Duration};

use scanhost_domain::scan::{Failure, FailureCode, Outcome, Phase};
use scanhost_outbound::lease::Lease;
use scanhost_sandbox::Backend;
use scanhost_store::Claimed;
use scanhost_system::pace::paced;

use super::{
    Driver, End,
    ending::{cancelled, lost},
};
use crate::{host::Host, snapshot::Snapshot};

/// How long a scan waits for its scanner to turn up in this process' configuration. Another process may have read a
/// newer one.
const GRACE: Duration = Duration::from_secs(60);

/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(500);

/// A configuration that has the scan's scanner: the present one, or the one that offered the scanner.
pub(super) async fn with_its_scanner(
    host: &Arc<Host>,
    claimed: &Claimed,
    lease: &Lease,
    offered: Arc<Snapshot>,
) -> Result<Arc<Snapshot>, End> {
    let (id, running) = (&claimed.scan.id, &claimed.running);
    let scanner = &running.slot.scanner;
    let find =
        || [host.snapshot.load_full(), offered.clone()].into_iter().find(|found| found.scanner(scanner).is_some());
    let turns_up = async {
        loop {
            match find() {
                Some(snapshot) => return snapshot,
                None => tokio::time::sleep(LOOK).await,
            }
        }
    };
    tokio::select! {
        biased;
        snapshot = turns_up => return Ok(snapshot),
        () = tokio::time::sleep(paced(GRACE)) => {}
        () = cancelled(host, id) => return Err(End::Outcome(Outcome::Cancelled)),
        () = lost(host, id, running.fence, lease) => return Err(End::Stale),
        () = host.shutdown.cancelled() => return Err(End::Shutdown),
    }
    let reports = host.scanner_reports.scanner_reports().await.unwrap_or_default();
    if reports.iter().any(|(reported, _)| reported == scanner) {
        tracing::info!(scan = %id, trace = %claimed.scan.trace, %scanner, "this process does not know the scanner, another one does");
        return Err(End::Interrupted);
    }
    let message = format!("the scanner {scanner} is no longer configured");
    Err(Failure { code: FailureCode::Configuration, message }.into())
}

impl Driver {
    /// Takes over what was reloaded since the last step. A scan whose scanner is gone, or whose backend no longer reads
    /// the state that this one wrote, ends with what it has: at the latest at its own time limit, so that no version
    /// is held for ever.
    pub(super) fn take_over_reloaded(&mut self) {
        let snapshot = self.host.snapshot.load_full();
        if Arc::ptr_eq(&snapshot, &self.snapshot) {
            return;
        }
        let Some(scanner) = snapshot.scanner(&self.running.slot.scanner) else { return };
        let (old, new) = (self.backend.description(), scanner.backend.description());
        if old.name != new.name || old.state_version != new.state_version {
            return;
        }
        if self.backend.digest() != scanner.backend.digest() {
            tracing::info!(scan = %self.scan.id, trace = %self.scan.trace, plugin = %new.name, version = new.version, sha256 = %scanner.backend.digest(), "the scan goes on with the new plugin");
            self.went_over_to = Some(scanner.plugin_version());
        }
        self.backend = scanner.backend.clone();
        self.client = scanner.client.clone();
        self.options.clone_from(&scanner.config.options);
        self.limits = snapshot.config.limits.clone();
        self.snapshot = snapshot;
    }

    /// A scan that was begun before this process was goes on with the version that it was begun with, where the present
    /// one cannot read its state.
    pub(super) async fn find_its_version(&mut self) -> Result<(), End> {
        let begun = self.running.slot.plugin.clone();
        if self.running.phase == Phase::Claimed || begun.digest == self.backend.digest().to_string() {
            return Ok(());
        }
        let name = self.running.slot.backend.as_str();
        let ledger = self.host.plugin_archive.ledger().unwrap_or_default();
        match ledger.state_version(name, &begun.digest) {
            Some(written) if written != self.backend.description().state_version => {}
            // One that nobody remembers is one of this program's own, or from before there was a ledger.
            Some(_) | None => {
                self.went_over_to =
                    self.snapshot.scanner(&self.running.slot.scanner).map(|scanner| scanner.plugin_version());
                return Ok(());
            }
        }
        match self.archived_version(&begun.digest).await {
            Ok(backend) => {
                tracing::info!(scan = %self.scan.id, trace = %self.scan.trace, plugin = name, version = begun.version, sha256 = begun.digest, "the scan goes on with the plugin that it was begun with");
                self.backend = backend;
                Ok(())
            }
            Err(reason) => {
                let present = &self.backend.description().version;
                let message = format!(
                    "it was begun with version {} of its plugin, whose state version {present} cannot read: {reason}",
                    begun.version
                );
                Err(Failure { code: FailureCode::Plugin, message }.into())
            }
        }
    }

    async fn archived_version(&self, digest: &str) -> Result<Arc<Backend>, String> {
        let name = self.running.slot.backend.as_str();
        let plugin = self.snapshot.plugins.iter().find(|plugin| plugin.name == name).cloned();
        let plugin = plugin.ok_or_else(|| "its plugin is gone".to_owned())?;
        let (archive, sandbox) = (self.host.plugin_archive.clone(), self.host.sandbox.clone());
        let digest = digest.to_owned();
        let runtime = tokio::runtime::Handle::current();
        let loading = move || runtime.block_on(plugin.other_version(sandbox, archive.component(&digest)?));
        let loaded = tokio::task::spawn_blocking(loading).await;
        loaded.unwrap_or_else(|_| Err("loading it crashed".to_owned()))
    }
}
