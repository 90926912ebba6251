//! Builds a host from its configuration, starts its background work, and stops it.

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
    crash_mark::CrashMarks,
    faults::{self, Faults},
    host::Host,
    housekeeping,
    metrics::Metrics,
    open_reports::Reports,
    orphans::{Orphans, trust},
    plugins::PluginArchive,
    reload,
    reloads::Reloads,
    role::Role,
    scanners,
    seal::Sealer,
    snapshot::{self, Snapshot},
    store_watch::{StoreWatch, look},
    telemetry,
    transitions::Ledger,
    waits::Waits,
    worker,
};
use scanhost_config::{Config, Problem, StoreKind};
use scanhost_outbound::command::Programs;
use scanhost_sandbox::Sandbox;
use scanhost_store::{
    Parts, crashing,
    embedded::EmbeddedStore,
    redis::{self, RedisStore},
};
use scanhost_system::{
    data_folder, failpoint,
    held_folder::HeldFolder,
    installation::{self, Installation},
    pace::paced,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::control;

/// How long background work may take to end at shutdown.
const SHUTDOWN_TIME: Duration = Duration::from_secs(10);

/// How long the host waits at shutdown for scanners to end its sessions.
const LOG_OUT_TIME: Duration = Duration::from_secs(3);

/// The purpose of a host.
#[derive(Clone, Copy)]
pub enum Purpose {
    /// The host does the work of a role. Every plugin must load, and the data folder is made if there is none.
    Work(Role),
    /// The host shows and changes what is stored. It uses the plugins that load, and reports the others.
    Administration,
    /// The host shows what is stored, and creates nothing.
    Looking,
    /// The host shows that nothing is stored, in a folder that is made for it and goes with it.
    Empty,
}

impl Purpose {
    /// Whether the host may make what a data folder or a store lacks.
    fn may_begin(self) -> bool {
        matches!(self, Self::Work(_) | Self::Empty)
    }
}

/// Builds the host. Only the writer of its audit log is started.
///
/// # Errors
/// All problems that the operator has to fix.
pub async fn build(config: Config, purpose: Purpose) -> anyhow::Result<Arc<Host>> {
    let role = match purpose {
        Purpose::Work(role) => role,
        Purpose::Administration | Purpose::Looking | Purpose::Empty => Role::All,
    };
    if matches!(config.store, StoreKind::Embedded) && role != Role::All {
        bail!(
            "--role {} needs a store that processes share: set `store: redis://…` in scanhost.yaml, or leave --role out",
            role.name()
        );
    }
    telemetry::configure(&config.log);
    let require_persistence = config.require_persistence;
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
        // This check comes before anything is created in the wrong folder.
        store.permit_new_folder(&config.data).await?;
    }
    if !purpose.may_begin() {
        data_folder::permit_looking(&config.data)?;
        if !config.key_file.exists() {
            bail!("the key file {} is missing: restore the original file", config.key_file.display());
        }
    }
    data_folder::permit_use(&config.data)?;
    data_folder::permit_secret_file(&config.key_file)?;
    let data = data_folder::create(&config.data)?;
    let (metrics, faults) = (Metrics::new(), Arc::new(Faults::default()));
    let observers = faults::Observers { metrics: metrics.clone(), faults: faults.clone() };
    let sandbox = Sandbox::start_observed(Some(cache_folder(&data)?), Arc::new(observers))?;
    let sealer = Sealer::open(&config.key_file)?;
    let installation = Installation::load_or_create(&data)?;
    let held_folder = HeldFolder::open(&data)
        .with_context(|| format!("the file {} cannot be opened", data.join(installation::FILE_NAME).display()))?;
    let store: Parts = match redis {
        None => {
            let store = EmbeddedStore::open(&data)
                .with_context(|| format!("the store in {} cannot be opened", data.display()))?;
            store.bind_key(sealer.fingerprint()).await?;
            Arc::new(store).into()
        }
        Some(store) if purpose.may_begin() => {
            store.bind_folder(&data, &installation).await?;
            store.bind_key(sealer.fingerprint()).await?;
            Arc::new(store).into()
        }
        // A command must not bind a store that was emptied: the processes that run would take it for restored.
        Some(store) => {
            store.check_binding(&data, &installation, sealer.fingerprint()).await?;
            Arc::new(store).into()
        }
    };
    let store = if failpoint::is_armed() { crashing::wrap(store) } else { store };
    let Parts { scans, dead_letters, remote_scans, scanner_reports, sessions, settings } =
        Ledger::wrap(store, metrics.clone());
    let plugin_archive = PluginArchive::new(&data);
    let (snapshot, problems) = match purpose {
        Purpose::Work(_) => (build_snapshot(&sandbox, config).await?, Vec::new()),
        Purpose::Administration | Purpose::Looking | Purpose::Empty => build_loadable(&sandbox, config).await?,
    };
    let host = Arc::new(Host {
        role,
        installation,
        scans,
        dead_letters,
        remote_scans,
        scanner_reports,
        sessions,
        settings,
        concurrency: ConcurrencyLimit::new(metrics.clone()),
        waits: Waits::default(),
        metrics,
        sandbox,
        reloads: Reloads::new(snapshot.generation, problems),
        plugin_archive,
        held_folder: Arc::new(held_folder),
        faults,
        snapshot: ArcSwap::from_pointee(snapshot),
        sealer,
        breakers: Breakers::default(),
        accesses: Accesses::default(),
        callers: Callers::default(),
        audit: Audit::default(),
        reports: Reports::default(),
        programs: Arc::new(Programs::default()),
        crash_marks: CrashMarks::new(&data),
        orphans: Orphans::default(),
        store_watch: StoreWatch::default(),
        data,
        tasks: TaskTracker::new(),
        shutdown: CancellationToken::new(),
        leaving: CancellationToken::new(),
    });
    look::look(&host).await;
    if let Purpose::Work(_) = purpose
        && require_persistence
        && let Some(risk) = host.store_watch.risks().first()
    {
        bail!("`redis.require_persistence` is set, and {risk}");
    }
    if purpose.may_begin() {
        trust::check_folder(&host).await?;
    } else {
        trust::refresh(&host).await;
    }
    if !matches!(purpose, Purpose::Looking) {
        reload::start(&host);
    }
    host.tasks.spawn(audit::writer::run(host.clone()));
    Ok(host)
}

/// Loads the plugins and checks the configuration against them.
///
/// # Errors
/// All problems, each on its own line.
pub async fn build_snapshot(sandbox: &Arc<Sandbox>, config: Config) -> anyhow::Result<Snapshot> {
    try_snapshot(sandbox, config).await.map_err(joined)
}

/// Builds a snapshot of everything that loads, and returns it with the problems of the rest.
///
/// # Errors
/// Nothing can be loaded at all.
pub async fn build_loadable(sandbox: &Arc<Sandbox>, config: Config) -> anyhow::Result<(Snapshot, Vec<Problem>)> {
    let archive = PluginArchive::new(&config.data);
    snapshot::build_loadable(sandbox, &archive, config.into(), None).await.map_err(joined)
}

/// Joins the problems to one error with a line for each.
fn joined(problems: Vec<Problem>) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{}", lines.join("\n"))
}

/// Loads the plugins and checks the configuration against them. It returns the problems one by one.
pub async fn try_snapshot(sandbox: &Arc<Sandbox>, config: Config) -> Result<Snapshot, Vec<Problem>> {
    let archive = PluginArchive::new(&config.data);
    snapshot::build(sandbox, &archive, config.into(), None).await
}

/// Starts the background work of the role: the worker, the watch over the scanners and the housekeeping. With an
/// embedded store it also opens the control socket, by which other processes reach the store.
///
/// # Errors
/// The control socket cannot be created.
pub fn start_work(host: &Arc<Host>) -> anyhow::Result<()> {
    if let StoreKind::Embedded = host.snapshot.load().config.store {
        control::listen(host).context("the control socket cannot be created in the data folder")?;
    }
    host.tasks.spawn(faults::roll_back::run(host.clone()));
    host.tasks.spawn(look::run(host.clone()));
    host.tasks.spawn(trust::follow(host.clone()));
    if host.role.runs_scans() {
        host.crash_marks.prepare().context("the folder `at-work` in the data folder cannot be created")?;
        host.tasks.spawn(worker::run(host.clone()));
        host.tasks.spawn(scanners::watch(host.clone()));
        host.tasks.spawn(housekeeping::run(host.clone()));
        host.tasks.spawn(housekeeping::stranded::run(host.clone()));
    }
    Ok(())
}

/// Stops all background work within a time limit. Running scans continue at the next start.
pub async fn stop(host: &Arc<Host>) {
    host.shutdown.cancel();
    host.tasks.close();
    if tokio::time::timeout(SHUTDOWN_TIME, host.tasks.wait()).await.is_err() {
        tracing::warn!("some background work did not end in time and will continue at the next start");
    }
    let snapshot = host.snapshot.load_full();
    // If a session cannot be ended in time, the scanner ends it later by itself.
    let log_out = futures_util::future::join_all(snapshot.scanners.iter().map(|scanner| scanner.client.log_out()));
    let _elapsed = tokio::time::timeout(LOG_OUT_TIME, log_out).await;
    // If work on a scan is still running now, it ends with this process, which must not count as a crash of the scan.
    host.crash_marks.clear();
}

/// Makes the folder of compiled plugins. Only this user may write it, since its files are executed.
fn cache_folder(data: &Path) -> anyhow::Result<PathBuf> {
    let folder = data.join("cache");
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("the folder {} cannot be created", folder.display()));
        }
        _ => {}
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}
