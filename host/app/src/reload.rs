//! Takes a changed configuration into use while the server runs: the whole of it, with every plugin, or nothing.
//! A configuration that is refused changes nothing, and the log and `/ready` say why it was refused.

mod apply;
mod file_changes;
mod rollback;
mod watch;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use scanhost_config::{Config, Problem, Problems};
use scanhost_domain::error_chain::chain;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub use apply::start;
pub use rollback::{roll_back, roll_back_from, use_file};

use crate::{host::Host, plugins::PluginArchive};
use file_changes::{Depth, FileStates};
use watch::Watch;

/// The time between two checks of the files without a notice, since some file systems give no notices.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The most reads of one configuration, which is read again while it names files that were not checked before.
const MAX_READS: u32 = 4;

/// What a service manager is told about a reload that it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadNotice {
    Begun,
    Ended,
}

/// Reads the configuration with the options that this process got on its command line.
pub type Read = Arc<dyn Fn() -> anyhow::Result<Config> + Send + Sync>;

/// Watches the files of the configuration, and reloads when one of them changes.
pub struct Reloader {
    read: Read,
    hangups: Signal,
    files: BTreeSet<PathBuf>,
    /// The file of rollbacks, which is one of `files`.
    rollbacks_file: PathBuf,
    states: FileStates,
}

impl Reloader {
    /// Reads the configuration that a process starts with.
    pub fn start(read: Read) -> anyhow::Result<(Config, Self)> {
        // From here on, SIGHUP means to reload and no longer ends the process.
        let hangups = signal(SignalKind::hangup())?;
        let files = files(&read()?);
        let mut states = FileStates::default();
        states.update(&files, Depth::Content);
        // Read once more, so that no change after the check is missed.
        let config = read()?;
        let rollbacks_file = rollbacks_file(&config);
        Ok((config, Self { read, hangups, files, rollbacks_file, states }))
    }

    /// Reloads until shutdown.
    pub async fn run(mut self, host: Arc<Host>, notify: fn(ReloadNotice)) {
        let mut watch = Watch::new();
        watch.cover(&self.watched());
        let mut must_catch_up = self.accept_rollbacks(&host);
        loop {
            let mut is_by_hangup = false;
            let (is_requested, depth) = tokio::select! {
                () = host.shutdown.cancelled() => return,
                () = std::future::ready(()), if must_catch_up => (true, Depth::Content),
                _ = self.hangups.recv() => {
                    is_by_hangup = true;
                    (true, Depth::Content)
                }
                () = watch.notice() => (false, Depth::Content),
                () = tokio::time::sleep(POLL_INTERVAL) => (false, Depth::Metadata),
            };
            if is_by_hangup {
                notify(ReloadNotice::Begun);
            }
            let has_changed = match depth {
                Depth::Metadata => self.check(Depth::Metadata).await,
                Depth::Content => {
                    watch.settle().await;
                    self.check(Depth::Content).await
                }
            };
            if has_changed && depth == Depth::Metadata {
                // The file may still be being written, since no notice has announced the change.
                watch.settle().await;
                self.check(Depth::Content).await;
            }
            if is_requested || has_changed {
                let read = self.read().await;
                watch.cover(&self.watched());
                let is_applied = apply::apply(&host, read).await;
                // After a failure, wait for the next change.
                must_catch_up = self.accept_rollbacks(&host) && is_applied;
            }
            if is_by_hangup {
                // Also after a refused reload, which `/ready` and the log explain.
                notify(ReloadNotice::Ended);
            }
        }
    }

    /// Marks the file of rollbacks as unchanged: the ones that this process has written are in use already. Returns
    /// whether another process has written a rollback in the meantime that is not in use here.
    fn accept_rollbacks(&mut self, host: &Host) -> bool {
        self.states.accept(&self.rollbacks_file);
        let snapshot = host.snapshot.load();
        // A ledger that cannot be read is reported where it is needed.
        host.plugin_archive
            .ledger()
            .is_ok_and(|ledger| !snapshot.plugins.iter().all(|plugin| plugin.agrees_with(&ledger)))
    }

    /// Returns the files to get notices about. The file of rollbacks is not among them, since other files in its folder
    /// are written all the time. Its changes are found by the regular checks.
    fn watched(&self) -> BTreeSet<PathBuf> {
        self.files.iter().filter(|file| **file != self.rollbacks_file).cloned().collect()
    }

    /// Returns whether one of the files has changed since the last check.
    async fn check(&mut self, depth: Depth) -> bool {
        let (mut states, files) = (std::mem::take(&mut self.states), self.files.clone());
        // On a blocking thread, since a file system may hang.
        let checking = tokio::task::spawn_blocking(move || {
            let has_changed = states.update(&files, depth);
            (states, has_changed)
        });
        match checking.await {
            Ok((states, has_changed)) => {
                self.states = states;
                has_changed
            }
            Err(_) => true,
        }
    }

    /// Reads the configuration. It is read again if it names files that were not checked before it was read.
    async fn read(&mut self) -> Result<Config, Vec<Problem>> {
        let mut reads = 0;
        loop {
            reads += 1;
            let read = self.read.clone();
            let config = tokio::task::spawn_blocking(move || read()).await.unwrap_or_else(|error| Err(error.into()));
            let named = match &config {
                Ok(config) => files(config),
                // The files of the configuration in use are checked too: a change to one may fix the problem.
                Err(error) => {
                    let problems = error.downcast_ref::<Problems>();
                    let sources = problems.into_iter().flat_map(Problems::sources).cloned();
                    self.files.iter().cloned().chain(sources).collect()
                }
            };
            let is_known = named.is_subset(&self.files);
            self.files = named;
            if is_known || reads == MAX_READS {
                return config.map_err(problems);
            }
            self.check(Depth::Content).await;
        }
    }
}

/// Returns every file whose change may change the configuration or the plugins.
fn files(config: &Config) -> BTreeSet<PathBuf> {
    let plugins = config.plugins.values().map(|plugin| &plugin.file);
    config.sources().iter().chain(plugins).cloned().chain([rollbacks_file(config)]).collect()
}

/// Returns the file of rollbacks. It stays the same while the process lives, since the data folder cannot change.
fn rollbacks_file(config: &Config) -> PathBuf {
    PluginArchive::new(&config.data).rollbacks_file()
}

fn problems(error: anyhow::Error) -> Vec<Problem> {
    match error.downcast_ref::<Problems>() {
        Some(problems) => problems.iter().cloned().collect(),
        None => vec![Problem {
            file: "scanhost.yaml".to_owned(),
            place: None,
            key: String::new(),
            message: chain(error.as_ref()),
        }],
    }
}
