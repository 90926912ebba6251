//! Puts a host together from its configuration, and runs and ends its parts.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use scanhost_app::{
    access::Callers,
    accesses::Accesses,
    audit::{self, Audit},
    breakers::Breakers,
    concurrency::ConcurrencyLimit,
    faults::{self, Faults},
    host::Host,
    housekeeping,
    metrics::Metrics,
    open_reports::Reports,
    plugins::Kept,
    reload,
    reloads::Reloads,
    role::Role,
    scanners,
    seal::Sealer,
    snapshot::{self, Snapshot},
    telemetry,
    transitions::Ledger,
    waits::Waits,
    worker,
};
use scanhost_config::{Config, Problem, StoreKind};
use scanhost_outbound::command::Programs;
use scanhost_sandbox::Sandbox;
use scanhost_store::{
    Store,
    crashing::CrashingStore,
    embedded::EmbeddedStore,
    redis::{self, RedisStore},
};
use scanhost_system::{
    data_folder, failpoint,
    installation::{self, Installation},
    pace::paced,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::control;

/// How long background work may take to end.
const SHUTDOWN_TIME: Duration = Duration::from_secs(10);

/// How long the scanners may take to end the host's sessions.
const LOG_OUT_TIME: Duration = Duration::from_secs(3);

/// What a host is built for.
#[derive(Clone, Copy)]
pub enum Purpose {
    /// The work of a role: with every plugin, in a data folder that is made where there is none.
    Work(Role),
    /// Looking at what is stored, and changing it: with the plugins that load.
    Administration,
}

/// Builds the host. Nothing runs yet but the writer of its audit log.
///
/// # Errors
/// With everything that an operator has to mend.
pub async fn build(config: Config, purpose: Purpose) -> anyhow::Result<Arc<Host>> {
    let role = match purpose {
        Purpose::Work(role) => role,
        Purpose::Administration => Role::All,
    };
    if matches!(config.store, StoreKind::Embedded) && role != Role::All {
        bail!(
            "--role {} needs a store that processes share: set `store: redis://…` in scanhost.yaml, or leave --role out",
            role.name()
        );
    }
    telemetry::configure(&config.log);
    let redis = match &config.store {
        StoreKind::Embedded => None,
        StoreKind::Redis(url) => {
            let store = RedisStore::connect(url.expose(), &config.key_prefix, paced(redis::LEASE));
            Some(store.await.context("Redis cannot be used")?)
        }
    };
    if let Some(store) = &redis
        && !installation::is_in(&config.data)
    {
        // Before anything is made in a wrong place.
        store.permit_new_folder(&config.data).await?;
    }
    if let Purpose::Administration = purpose {
        data_folder::warn_if_new(&config.data);
    }
    let data = data_folder::create(&config.data)?;
    let (metrics, faults) = (Metrics::new(), Arc::new(Faults::default()));
    let observers = faults::Observers { metrics: metrics.clone(), faults: faults.clone() };
    let sandbox = Sandbox::start_observed(Some(cache_folder(&data)?), Arc::new(observers))?;
    let sealer = Sealer::open(&config.key_file)?;
    let installation = Installation::load_or_create(&data)?;
    let store: Arc<dyn Store> = match redis {
        None => {
            let store = EmbeddedStore::open(&data)
                .with_context(|| format!("the store in {} cannot be opened", data.display()))?;
            store.bind_key(sealer.fingerprint()).await?;
            Arc::new(store)
        }
        Some(store) => {
            store.bind_folder(&data, &installation).await?;
            store.bind_key(sealer.fingerprint()).await?;
            Arc::new(store)
        }
    };
    let store = if failpoint::is_armed() { Arc::new(CrashingStore(store)) } else { store };
    let kept = Kept::new(&data);
    let (snapshot, problems) = match purpose {
        Purpose::Work(_) => (build_snapshot(&sandbox, config).await?, Vec::new()),
        Purpose::Administration => what_loads(&sandbox, config).await?,
    };
    let host = Arc::new(Host {
        role,
        installation,
        store: Arc::new(Ledger::new(store, metrics.clone())),
        concurrency: ConcurrencyLimit::new(metrics.clone()),
        waits: Waits::default(),
        metrics,
        sandbox,
        reloads: Reloads::new(snapshot.generation, problems),
        kept,
        faults,
        snapshot: ArcSwap::from_pointee(snapshot),
        sealer,
        breakers: Breakers::default(),
        accesses: Accesses::default(),
        callers: Callers::default(),
        audit: Audit::default(),
        reports: Reports::default(),
        programs: Arc::new(Programs::default()),
        data,
        tasks: TaskTracker::new(),
        shutdown: CancellationToken::new(),
    });
    reload::start(&host);
    host.tasks.spawn(audit::writer::run(host.clone()));
    Ok(host)
}

/// Loads plugins and checks the configuration against them.
///
/// # Errors
/// With every problem, one a line.
pub async fn build_snapshot(sandbox: &Arc<Sandbox>, config: Config) -> anyhow::Result<Snapshot> {
    try_snapshot(sandbox, config).await.map_err(told)
}

/// As much of it as loads, and the problems with the rest.
///
/// # Errors
/// When nothing does.
pub async fn what_loads(sandbox: &Arc<Sandbox>, config: Config) -> anyhow::Result<(Snapshot, Vec<Problem>)> {
    let kept = Kept::new(&config.data);
    snapshot::build_what_loads(sandbox, &kept, config.into(), None).await.map_err(told)
}

fn told(problems: Vec<Problem>) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{}", lines.join("\n"))
}

/// The same, with the problems as they are.
///
/// # Errors
/// With every one of them.
pub async fn try_snapshot(sandbox: &Arc<Sandbox>, config: Config) -> Result<Snapshot, Vec<Problem>> {
    let kept = Kept::new(&config.data);
    snapshot::build(sandbox, &kept, config.into(), None).await
}

/// Starts what the role wants: the worker, the look-out for scanners and the housekeeping. Where this process owns the
/// store, other processes reach it by a socket; a shared store they reach by themselves.
///
/// # Errors
/// When the socket cannot be made.
pub fn start_work(host: &Arc<Host>) -> anyhow::Result<()> {
    if let StoreKind::Embedded = host.snapshot.load().config.store {
        control::listen(host).context("the control socket in the data folder cannot be made")?;
    }
    host.tasks.spawn(faults::roll_back::run(host.clone()));
    if host.role.runs_scans() {
        host.tasks.spawn(worker::run(host.clone()));
        host.tasks.spawn(scanners::watch(host.clone()));
        host.tasks.spawn(housekeeping::run(host.clone()));
        host.tasks.spawn(housekeeping::stranded::run(host.clone()));
    }
    Ok(())
}

/// Ends everything that runs, within bounds. Scans under way go on at the next start.
pub async fn stop(host: &Arc<Host>) {
    host.shutdown.cancel();
    host.tasks.close();
    if tokio::time::timeout(SHUTDOWN_TIME, host.tasks.wait()).await.is_err() {
        tracing::warn!("some work did not end in time; it goes on at the next start");
    }
    let snapshot = host.snapshot.load_full();
    // A session that is left open ends by itself.
    let log_out = futures_util::future::join_all(snapshot.scanners.iter().map(|scanner| scanner.client.log_out()));
    let _elapsed = tokio::time::timeout(LOG_OUT_TIME, log_out).await;
}

/// Compiled plugins, in a folder that only this user can write: what is in it is run.
fn cache_folder(data: &Path) -> anyhow::Result<PathBuf> {
    let folder = data.join("cache");
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("the folder {} cannot be made", folder.display()));
        }
        _ => {}
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}
