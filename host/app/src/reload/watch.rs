//! Notices of the file system about folders: those of the files, those that symbolic links lead to, and the folders of
//! these folders, which tell when one is deleted and made again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use tokio::{sync::Notify, time::Instant};

/// How long nothing may happen before what happened is taken for whole.
const QUIET: Duration = Duration::from_millis(100);

/// When what goes on happening is looked at all the same.
const LONGEST: Duration = Duration::from_millis(400);

/// Links that are followed from one path.
const MAX_LINKS: usize = 16;

pub struct Watch {
    /// None where this system gives no notices; looking again and again is enough then.
    watcher: Option<RecommendedWatcher>,
    /// The folders under watch, each with its device and inode: one that was made again is another one.
    folders: BTreeMap<PathBuf, (u64, u64)>,
    noticed: Arc<Notify>,
}

impl Watch {
    pub fn new() -> Self {
        let noticed = Arc::new(Notify::new());
        let notify = noticed.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| !is_reading(&event.kind)) {
                notify.notify_one();
            }
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, "no notices of changed files, changes are found by looking");
        }
        Self { watcher: watcher.ok(), folders: BTreeMap::new(), noticed }
    }

    /// Watches for these files, and for no others.
    pub fn cover(&mut self, files: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        let identity = |folder: PathBuf| {
            let found = fs::metadata(&folder).ok()?;
            Some((folder, (found.dev(), found.ino())))
        };
        let wanted: BTreeMap<PathBuf, (u64, u64)> =
            files.iter().flat_map(|file| folders(file)).filter_map(identity).collect();
        for (folder, _) in self.folders.iter().filter(|(folder, known)| wanted.get(*folder) != Some(known)) {
            // The system forgets a deleted folder by itself.
            let _forgotten = watcher.unwatch(folder);
        }
        for (folder, _) in wanted.iter().filter(|(folder, found)| self.folders.get(*folder) != Some(found)) {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %folder.display(), %error, "no notices from this folder, changes are found by looking");
            }
        }
        self.folders = wanted;
    }

    /// Ready when something has happened.
    pub async fn notice(&self) {
        self.noticed.notified().await;
    }

    /// Ready when nothing has happened for a while.
    pub async fn settle(&self) {
        let start = Instant::now();
        while start.elapsed() < LONGEST && tokio::time::timeout(QUIET, self.noticed.notified()).await.is_ok() {}
    }
}

/// Our own reading among other things.
fn is_reading(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if *access != AccessKind::Close(AccessMode::Write))
}

/// Every folder in which something can happen that changes what the path leads to.
fn folders(file: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    for _ in 0..MAX_LINKS {
        let parents = path.ancestors().skip(1);
        // The folder of the folder is enough: nobody moves whole trees of configuration about.
        found.extend(parents.take(2).map(Path::to_owned));
        let Some(next) = path.ancestors().find_map(|link| Some((link, fs::read_link(link).ok()?))) else { break };
        let (link, target) = next;
        let rest = path.strip_prefix(link).unwrap_or(Path::new(""));
        let target = link.parent().unwrap_or(Path::new("/")).join(target);
        found.extend(link.parent().map(Path::to_owned));
        path = if rest.as_os_str().is_empty() { target } else { target.join(rest) };
    }
    found.retain(|folder| folder.parent().is_some());
    found
}
