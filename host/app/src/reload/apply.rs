//! From a configuration that was read to one in use, in one step that everybody sees at once.

use std::{sync::Arc, time::Duration};

use scanhost_config::{Config, Problem};
use scanhost_outbound::egress::ScannerClient;
use scanhost_system::clock;
use tokio::time::Instant;

use crate::{
    host::Host,
    plugins::{Kept, Plugin, Served},
    snapshot::{self, Snapshot},
    telemetry,
};

/// Between two looks whether somebody still uses a client that the configuration no longer has.
const LOOK: Duration = Duration::from_secs(1);

/// Builds what the configuration says and puts it in the place of what there is, or changes nothing. Whether it did.
pub async fn apply(host: &Arc<Host>, read: Result<Config, Vec<Problem>>) -> bool {
    let _turn = host.reloads.turn().await;
    let start = Instant::now();
    let before = host.snapshot.load_full();
    let built = match read.and_then(|config| permit(&before.config, config)) {
        Ok(config) => snapshot::build(&host.sandbox, &host.kept, config.into(), Some(before.clone())).await,
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

/// Swaps the snapshot, and does what has to follow. `took` is how long a reload took, where this is one.
pub fn take_into_use(host: &Arc<Host>, before: &Snapshot, new: &Arc<Snapshot>, took: Option<Duration>) {
    // Before the swap: whatever serves can be gone back to.
    note_served(&host.kept, new);
    if took.is_some() {
        host.metrics.reloaded(true);
    }
    host.snapshot.store(new.clone());
    // At once, so that nobody sees one without the other for long.
    if let Some(took) = took {
        host.reloads.succeeded(took);
    }
    follow(host, Some(before), new);
}

/// Does for the snapshot that a process starts with what follows every swap.
pub fn start(host: &Arc<Host>) {
    let snapshot = host.snapshot.load_full();
    note_served(&host.kept, &snapshot);
    follow(host, None, &snapshot);
}

/// What follows a swap. `before` is absent at the start of a process.
fn follow(host: &Arc<Host>, before: Option<&Snapshot>, new: &Snapshot) {
    let plugins_before = before.map_or(&[][..], |before| &before.plugins);
    telemetry::configure(&new.config.log);
    host.reloads.retire(plugins_before, &new.plugins);
    host.faults.keep(&new.plugins);
    host.reloads.announce(new.generation);
    tell_plugins(plugins_before, new);
    if let Some(before) = before {
        retire_clients(host, before, new);
    }
}

/// Writes down what serves, so that it can be gone back to.
fn note_served(kept: &Kept, snapshot: &Snapshot) {
    let now = clock::now();
    let noted = kept.change(|ledger| {
        for plugin in &snapshot.plugins {
            let Some(file) = plugin.file_digest() else { continue };
            let version = snapshot.version(plugin).unwrap_or_default().to_owned();
            let state_version = plugin.backend().map(|backend| backend.description().state_version);
            let served = Served { sha256: plugin.digest().to_string(), version, since: now, state_version, bad: None };
            ledger.serve(&plugin.name, &file.to_string(), served, plugin.decided.as_ref());
        }
    });
    if let Err(error) = noted {
        tracing::warn!(error, "it cannot be written down which plugins serve, so they cannot be gone back to");
    }
}

/// What is bound to a process from its start cannot be changed in it. Such a change is refused with all that came with
/// it, so that the folder and what is in use are never half alike.
fn permit(before: &Config, config: Config) -> Result<Config, Vec<Problem>> {
    let fixed = [
        ("listen", before.listen != config.listen),
        ("store", before.store != config.store),
        ("data", before.data != config.data),
        ("key_prefix", before.key_prefix != config.key_prefix),
        ("secrets.key_file", before.key_file != config.key_file),
    ];
    let message = "cannot be changed while the server runs: restart it, or put the old value back";
    let problem = |key: &str| Problem {
        file: "scanhost.yaml".to_owned(),
        place: config.place_of(key),
        key: key.to_owned(),
        message: message.to_owned(),
    };
    let problems: Vec<Problem> = fixed.iter().filter(|(_, changed)| *changed).map(|(key, _)| problem(key)).collect();
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

/// Which plugins are new and which are gone.
fn tell_plugins(before: &[Arc<Plugin>], new: &Snapshot) {
    for plugin in new.plugins.iter().filter(|plugin| !before.iter().any(|known| Arc::ptr_eq(known, plugin))) {
        let version = new.version(plugin).unwrap_or_default();
        tracing::info!(plugin = plugin.name, kind = plugin.kind(), version, sha256 = %plugin.digest(), generation = plugin.generation, "plugin loaded");
    }
    for plugin in before.iter().filter(|plugin| !new.plugins.iter().any(|new| new.name == plugin.name)) {
        tracing::info!(plugin = plugin.name, generation = plugin.generation, "plugin removed");
    }
}

/// Lets sessions end with the last call that uses them, and gives a scanner that is reached in another way a new chance.
fn retire_clients(host: &Arc<Host>, before: &Snapshot, after: &Snapshot) {
    for old in &before.scanners {
        if after.scanners.iter().any(|new| Arc::ptr_eq(&new.client, &old.client)) {
            continue;
        }
        host.breakers.reset(&old.id);
        host.tasks.spawn(retire(host.clone(), old.client.clone()));
    }
}

async fn retire(host: Arc<Host>, client: Arc<ScannerClient>) {
    while Arc::strong_count(&client) > 1 && !host.shutdown.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = host.shutdown.cancelled() => {}
        }
    }
    client.log_out().await;
}
