//! Takes a configuration into use: everything that it loads to is swapped in one step.

use std::{sync::Arc, time::Duration};

use scanhost_config::{Config, Problem};
use scanhost_outbound::egress::ScannerClient;
use scanhost_system::clock;
use tokio::time::Instant;

use crate::{
    host::Host,
    plugins::{Plugin, PluginArchive, ServedVersion},
    snapshot::{self, Snapshot},
    telemetry,
};

/// The time between two checks whether a client that is no longer configured is still used.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Builds a snapshot of the configuration and takes it into use, or changes nothing if there is a problem. Returns
/// whether the snapshot was taken into use.
pub async fn apply(host: &Arc<Host>, read: Result<Config, Vec<Problem>>) -> bool {
    let _turn = host.reloads.turn().await;
    let start = Instant::now();
    let before = host.snapshot.load_full();
    let built = match read.and_then(|config| permit(&before.config, config)) {
        Ok(config) => snapshot::build(&host.sandbox, &host.plugin_archive, config.into(), Some(before.clone())).await,
        Err(problems) => Err(problems),
    };
    match built {
        Ok(new) => {
            let new = Arc::new(new);
            let took = start.elapsed();
            take_into_use(host, &before, &new, Some(took));
            tracing::info!(generation = new.generation, took_ms = took.as_millis() as u64, "configuration reloaded");
            true
        }
        Err(problems) => {
            for problem in &problems {
                tracing::error!(source = problem.file, problem = %problem, "the changed configuration is not taken into use");
            }
            host.metrics.reloaded(false);
            host.reloads.failed(problems, start.elapsed());
            false
        }
    }
}

/// Swaps the snapshot and then informs everything that depends on it. `took` is the duration of a reload; a rollback of
/// one plugin is not a reload and has none.
pub fn take_into_use(host: &Arc<Host>, before: &Snapshot, new: &Arc<Snapshot>, took: Option<Duration>) {
    // Record the versions before the swap, so that a rollback to every version that was in use is possible.
    record_served(&host.plugin_archive, new);
    if took.is_some() {
        host.metrics.reloaded(true);
    }
    host.snapshot.store(new.clone());
    // Directly after the swap, so that callers hardly ever see one without the other.
    if let Some(took) = took {
        host.reloads.succeeded(took);
    }
    after_swap(host, Some(before), new);
}

/// Informs everything that depends on the snapshot about the one that the process starts with.
pub fn start(host: &Arc<Host>) {
    let snapshot = host.snapshot.load_full();
    record_served(&host.plugin_archive, &snapshot);
    after_swap(host, None, &snapshot);
}

/// Informs everything that depends on the snapshot. At the start of a process there is no snapshot before it.
fn after_swap(host: &Arc<Host>, before: Option<&Snapshot>, new: &Snapshot) {
    let plugins_before = before.map_or(&[][..], |before| &before.plugins);
    telemetry::configure(&new.config.log);
    host.audit.keep_polls(new.config.log.audit_polling);
    host.reloads.retire(plugins_before, &new.plugins);
    host.faults.retain(&new.plugins);
    host.reloads.announce(new.generation);
    log_plugin_changes(plugins_before, new);
    if let Some(before) = before {
        retire_clients(host, before, new);
    }
}

/// Records in the ledger which versions are in use, so that a rollback to them is possible later.
fn record_served(archive: &PluginArchive, snapshot: &Snapshot) {
    let now = clock::now();
    let recorded = archive.change(|ledger| {
        for plugin in &snapshot.plugins {
            let Some(file) = plugin.file_digest() else { continue };
            let version = snapshot.version(plugin).unwrap_or_default().to_owned();
            let state_version = plugin.backend().map(|backend| backend.description().state_version);
            let sha256 = plugin.digest().to_string();
            let served = ServedVersion { sha256, version, since: now, state_version, bad: None };
            ledger.record_served(&plugin.name, &file.to_string(), served, plugin.known_rollback.as_ref());
        }
    });
    if let Err(error) = recorded {
        tracing::warn!(error, "the plugin versions in use cannot be recorded, so no rollback to them will be possible");
    }
}

/// Refuses a change of settings that cannot change while the process lives. The whole configuration is then refused, so
/// that the files never agree only in part with the configuration in use.
fn permit(before: &Config, config: Config) -> Result<Config, Vec<Problem>> {
    let fixed = [
        ("listen", before.listen != config.listen),
        ("store", before.store != config.store),
        ("data", before.data != config.data),
        ("key_prefix", before.key_prefix != config.key_prefix),
        ("secrets.key_file", before.key_file != config.key_file),
    ];
    let message = "cannot be changed while the server runs: restart the server, or put the old value back";
    let problem = |key: &str| Problem {
        file: "scanhost.yaml".to_owned(),
        place: config.place_of(key),
        key: key.to_owned(),
        message: message.to_owned(),
    };
    let problems: Vec<Problem> = fixed.iter().filter(|(_, changed)| *changed).map(|(key, _)| problem(key)).collect();
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

/// Logs which plugins are new and which were removed.
fn log_plugin_changes(before: &[Arc<Plugin>], new: &Snapshot) {
    for plugin in new.plugins.iter().filter(|plugin| !before.iter().any(|known| Arc::ptr_eq(known, plugin))) {
        let version = new.version(plugin).unwrap_or_default();
        tracing::info!(plugin = plugin.name, kind = plugin.kind(), version, sha256 = %plugin.digest(), generation = plugin.generation, "plugin loaded");
    }
    for plugin in before.iter().filter(|plugin| !new.plugins.iter().any(|new| new.name == plugin.name)) {
        tracing::info!(plugin = plugin.name, generation = plugin.generation, "plugin removed");
    }
}

/// Retires the clients that are no longer configured, and resets the breakers of their scanners, which may work again
/// now that they are reached in another way.
fn retire_clients(host: &Arc<Host>, before: &Snapshot, after: &Snapshot) {
    for old in &before.scanners {
        if after.scanners.iter().any(|new| Arc::ptr_eq(&new.client, &old.client)) {
            continue;
        }
        host.breakers.reset(&old.id);
        host.tasks.spawn(retire(host.clone(), old.client.clone()));
    }
}

/// Ends the session of a client after the last call that uses it.
async fn retire(host: Arc<Host>, client: Arc<ScannerClient>) {
    while Arc::strong_count(&client) > 1 && !host.shutdown.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = host.shutdown.cancelled() => {}
        }
    }
    client.log_out().await;
}
