//! Takes a changed configuration into use while the server runs: the whole of it, with every plugin, or nothing.
//! What is refused changes nothing and is told in the log and in `/ready`.

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

use crate::{host::Host, plugins::Kept};
use file_changes::{Care, Seen};
use watch::Watch;

/// Between two looks at the files that need no notice: some file systems give none.
const LOOK: Duration = Duration::from_millis(500);

/// Reads of one configuration, while files that it names keep turning up.
const MAX_READS: u32 = 4;

/// Reads the configuration as the command line of this process wants it.
pub type Read = Arc<dyn Fn() -> anyhow::Result<Config> + Send + Sync>;

/// What looks for a newer configuration than the one that was read.
pub struct Reloader {
    read: Read,
    hangups: Signal,
    files: BTreeSet<PathBuf>,
    /// One of them.
    ledger: PathBuf,
    seen: Seen,
}

impl Reloader {
    /// Reads the configuration that a process starts with.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn start(read: Read) -> anyhow::Result<(Config, Self)> {
        // From here on a hang-up is a wish to reload and no end.
        let hangups = signal(SignalKind::hangup())?;
        let files = files(&read()?);
        let mut seen = Seen::default();
        seen.look(&files, Care::Content);
        // Read once more, so that whatever changes from here on is seen to have changed.
        let config = read()?;
        let ledger = ledger(&config);
        Ok((config, Self { read, hangups, files, ledger, seen }))
    }

    /// Reloads until shutdown.
    pub async fn run(mut self, host: Arc<Host>) {
        let mut watch = Watch::new();
        watch.cover(&self.watched());
        let mut is_behind = self.accept_ledger(&host);
        loop {
            let (is_wanted, care) = tokio::select! {
                () = host.shutdown.cancelled() => return,
                () = std::future::ready(()), if is_behind => (true, Care::Content),
                _ = self.hangups.recv() => (true, Care::Content),
                () = watch.notice() => (false, Care::Content),
                () = tokio::time::sleep(LOOK) => (false, Care::Stat),
            };
            let has_changed = match care {
                Care::Stat => self.look(Care::Stat).await,
                Care::Content => {
                    watch.settle().await;
                    self.look(Care::Content).await
                }
            };
            if has_changed && care == Care::Stat {
                // No notice told of it, so it may still be under way.
                watch.settle().await;
                self.look(Care::Content).await;
            }
            if is_wanted || has_changed {
                let read = self.read().await;
                watch.cover(&self.watched());
                let is_applied = apply::apply(&host, read).await;
                // After a failure, the next change is waited for.
                is_behind = self.accept_ledger(&host) && is_applied;
            }
        }
    }

    /// Takes the ledger as it is for seen: what this process has written in it is in use already. Whether another process
    /// has written in it meanwhile what is not.
    fn accept_ledger(&mut self, host: &Host) -> bool {
        self.seen.accept(&self.ledger);
        let snapshot = host.snapshot.load();
        // A ledger that cannot be read is told about where it is needed.
        host.kept.ledger().is_ok_and(|ledger| !snapshot.plugins.iter().all(|plugin| plugin.is_wanted_by(&ledger)))
    }

    /// The files of which notices are worth having. The ledger lies where files are written all the time: it is only
    /// looked at.
    fn watched(&self) -> BTreeSet<PathBuf> {
        self.files.iter().filter(|file| **file != self.ledger).cloned().collect()
    }

    /// Whether one of the files has changed since the last look.
    async fn look(&mut self, care: Care) -> bool {
        let (mut seen, files) = (std::mem::take(&mut self.seen), self.files.clone());
        // A file system may hang.
        let looking = tokio::task::spawn_blocking(move || {
            let has_changed = seen.look(&files, care);
            (seen, has_changed)
        });
        match looking.await {
            Ok((seen, has_changed)) => {
                self.seen = seen;
                has_changed
            }
            Err(_) => true,
        }
    }

    /// Reads the configuration, of which every file was looked at before.
    async fn read(&mut self) -> Result<Config, Vec<Problem>> {
        let mut reads = 0;
        loop {
            reads += 1;
            let read = self.read.clone();
            let config = tokio::task::spawn_blocking(move || read()).await.unwrap_or_else(|error| Err(error.into()));
            let named = match &config {
                Ok(config) => files(config),
                // Those of the configuration in use stay: one of them may be the cure.
                Err(error) => {
                    let problems = error.downcast_ref::<Problems>();
                    let looked_for = problems.into_iter().flat_map(Problems::sources).cloned();
                    self.files.iter().cloned().chain(looked_for).collect()
                }
            };
            let is_known = named.is_subset(&self.files);
            self.files = named;
            if is_known || reads == MAX_READS {
                return config.map_err(problems);
            }
            self.look(Care::Content).await;
        }
    }
}

/// Every file whose change may make another configuration, or other plugins.
fn files(config: &Config) -> BTreeSet<PathBuf> {
    let plugins = config.plugins.values().map(|plugin| &plugin.file);
    config.sources().iter().chain(plugins).cloned().chain([ledger(config)]).collect()
}

/// The data folder cannot change, so this is one file for as long as the process lives.
fn ledger(config: &Config) -> PathBuf {
    Kept::new(&config.data).ledger_file()
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
