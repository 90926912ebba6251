//! What is so at the moment of a scrape, read from where it is true: the store for what all processes share, the
//! snapshot for what is configured here.

use std::time::Duration;

use prometheus::Registry;
use scanhost_domain::{breaker::Circuit, error_chain::chain, ids::ScannerId};
use scanhost_store::{PoolState, ScannerReport, StoreError};
use scanhost_system::disk;

use crate::{host::Host, metrics::Registered, snapshot::Snapshot};

/// For all that is asked of the store; less than a scraper waits.
const STORE_TIME: Duration = Duration::from_secs(3);

const OF_POOL: &[&str] = &["pool"];
const OF_SCANNER: &[&str] = &["pool", "instance"];

/// What the store says, which is the same in every process.
struct Shared {
    /// One for each pool of the snapshot.
    pools: Vec<PoolState>,
    active: Vec<(ScannerId, u32)>,
    reports: Vec<(ScannerId, ScannerReport)>,
}

impl Shared {
    async fn read(host: &Host, snapshot: &Snapshot) -> Result<Self, StoreError> {
        let mut pools = Vec::new();
        for pool in &snapshot.config.pools {
            pools.push(host.scans.pool(&pool.name).await?);
        }
        let (active, reports) = (host.scans.active().await?, host.scanner_reports.scanner_reports().await?);
        Ok(Self { pools, active, reports })
    }
}

/// The gauges of one scrape. Those of a store that cannot be asked are missing: an old value would be a wrong one.
pub async fn read(host: &Host, snapshot: &Snapshot) -> Registry {
    let registry = Registry::new();
    let new = Registered(&registry);
    configured(&new, snapshot);
    trouble(&new, host, snapshot, &Disk::read(host).await);
    let shared = match tokio::time::timeout(STORE_TIME, Shared::read(host, snapshot)).await {
        Ok(Ok(shared)) => Some(shared),
        Ok(Err(error)) => {
            tracing::warn!(error = chain(&error), "metrics of the store are missing");
            None
        }
        Err(_) => {
            tracing::warn!("metrics of the store are missing: it does not answer");
            None
        }
    };
    new.gauge("store_up", "Whether the store of scans answers.").set(i64::from(shared.is_some()));
    if let Some(shared) = shared {
        pools(&new, snapshot, &shared);
        scanners(&new, host, snapshot, &shared);
    }
    registry
}

/// What the file system of the data folder says.
struct Disk {
    is_ours: bool,
    /// Absent where the file system does not tell it, or does not answer.
    free_bytes: Option<u64>,
}

impl Disk {
    async fn read(host: &Host) -> Self {
        let is_ours = host.check_folder().await.is_ok();
        let data = host.data.clone();
        // A folder that did not answer the first question is not asked again.
        let free_bytes = if is_ours {
            tokio::task::spawn_blocking(move || disk::free_bytes(&data)).await.ok().flatten()
        } else {
            None
        };
        Self { is_ours, free_bytes }
    }
}

/// Whether this host can rely on what it builds on.
fn trouble(new: &Registered<'_>, host: &Host, snapshot: &Snapshot, disk: &Disk) {
    let orphans = new.gauges(
        "orphans",
        "Scans at a scanner that carry the installation's mark and that no task owns.",
        OF_SCANNER,
    );
    let found = host.orphans.found();
    for scanner in &snapshot.scanners {
        let count = found.iter().filter(|orphan| orphan.scanner == scanner.id).count();
        orphans.with_label_values(&labels(&scanner.id)).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    if let Some(bytes) = disk.free_bytes {
        let free = "Free bytes on the file system of the data folder.";
        new.gauge("disk_free_bytes", free).set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
    let reserve = "Free bytes below which no new scan is taken.";
    new.gauge("disk_reserve_bytes", reserve).set(i64::try_from(scanhost_system::disk::LEAST_ROOM).unwrap_or(i64::MAX));
    let usable = "Whether the data folder is the one that this process was started on and can be read.";
    new.gauge("data_folder_up", usable).set(i64::from(disk.is_ours));
    let risks = "Settings of the store with which it may lose scans.";
    new.gauge("store_risks", risks).set(i64::try_from(host.store_watch.risks().len()).unwrap_or(i64::MAX));
    let emptied = "Whether the store has lost its data, so that this process starts and deletes nothing.";
    new.gauge("store_emptied", emptied).set(i64::from(host.store_watch.emptied().is_some()));
    let clock = "By how many seconds the store's clock is ahead of this process' own.";
    new.gauge("clock_offset_seconds", clock).set(host.store_watch.clock_ahead().as_secs());
    let trusted = "Whether the host stops and removes its own scans at the scanners by itself.";
    new.gauge("store_trusted", trusted).set(i64::from(host.orphans.is_trusted()));
}

fn configured(new: &Registered<'_>, snapshot: &Snapshot) {
    let capacity = new.gauges("scanner_capacity", "Scans that a scanner may run at once.", OF_SCANNER);
    for scanner in &snapshot.scanners {
        let scans = if scanner.config.enabled { scanner.config.max_concurrent_scans } else { 0 };
        capacity.with_label_values(&labels(&scanner.id)).set(i64::from(scans));
    }
    let generations = new.gauges("plugin_generation", "Which loaded version of a plugin is in use.", &["plugin"]);
    for plugin in &snapshot.plugins {
        let generation = i64::try_from(plugin.generation).unwrap_or(i64::MAX);
        generations.with_label_values(&[plugin.call_name()]).set(generation);
    }
}

fn pools(new: &Registered<'_>, snapshot: &Snapshot, shared: &Shared) {
    let depth = new.gauges("queue_depth", "Scans that wait in a pool.", OF_POOL);
    let dead = new.gauges("dead_letters", "Failed scans that nobody has dealt with.", OF_POOL);
    for (pool, state) in snapshot.config.pools.iter().zip(&shared.pools) {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        depth.with_label_values(&[pool.name.as_str()]).set(count(state.queue_depth));
        dead.with_label_values(&[pool.name.as_str()]).set(count(state.dead_letters));
    }
}

fn scanners(new: &Registered<'_>, host: &Host, snapshot: &Snapshot, shared: &Shared) {
    let active = new.gauges("active_scans", "Scans that a scanner runs.", OF_SCANNER);
    let up = new.gauges("scanner_up", "Whether an enabled scanner answers and is ready.", OF_SCANNER);
    let circuit = new.gauges("circuit_state", "A scanner's breaker: 0 closed, 1 open, 2 half-open.", OF_SCANNER);
    let login_refused = new.gauges("scanner_login_refused", "Whether a scanner refuses the host's login.", OF_SCANNER);
    for scanner in &snapshot.scanners {
        let labels = labels(&scanner.id);
        let running = shared.active.iter().find(|(id, _)| *id == scanner.id).map_or(0, |(_, count)| *count);
        active.with_label_values(&labels).set(i64::from(running));
        if !scanner.config.enabled {
            continue;
        }
        let report = shared.reports.iter().find(|(id, _)| *id == scanner.id).map(|(_, report)| report);
        let refuses_login = report.is_some_and(|report| report.refuses_login);
        login_refused.with_label_values(&labels).set(i64::from(refuses_login));
        up.with_label_values(&labels).set(i64::from(report.is_some_and(|report| report.up)));
        // The own breaker is newer than what was told of it, but a process without workers has none.
        let state = match host.breakers.circuit(&scanner.id) {
            Circuit::Closed => report.map_or(Circuit::Closed, |report| report.circuit),
            own => own,
        };
        circuit.with_label_values(&labels).set(number(state));
    }
}

fn labels(scanner: &ScannerId) -> [&str; 2] {
    [scanner.pool.as_str(), scanner.instance.as_str()]
}

fn number(circuit: Circuit) -> i64 {
    match circuit {
        Circuit::Closed => 0,
        Circuit::Open => 1,
        Circuit::HalfOpen => 2,
    }
}
