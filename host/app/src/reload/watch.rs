//! Watches folders for notices of the file system: the folders of the files, those that symbolic links lead to, and the
//! parents of these folders, where a folder that is deleted and made again can be noticed.

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

/// A change counts as complete when there was no notice for this time.
const SETTLE_TIME: Duration = Duration::from_millis(100);

/// The files are checked after this time even if there are still notices.
const MAX_SETTLE_TIME: Duration = Duration::from_millis(400);

/// The number of symbolic links that are followed from one path.
const MAX_LINKS: usize = 16;

pub struct Watch {
    /// If the system gives no notices, there is no watcher, and the regular checks find the changes.
    watcher: Option<RecommendedWatcher>,
    /// The watched folders, each with its device and inode, by which a folder that was made again is recognised.
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
            tracing::warn!(%error, "the system gives no notices of changed files, so the files are checked regularly instead");
        }
        Self { watcher: watcher.ok(), folders: BTreeMap::new(), noticed }
    }

    /// Watches the folders of these files, and no others.
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
                tracing::warn!(folder = %folder.display(), %error, "the system gives no notices for this folder, so its files are checked regularly instead");
            }
        }
        self.folders = wanted;
    }

    /// Waits until there is a notice.
    pub async fn notice(&self) {
        self.noticed.notified().await;
    }

    /// Waits until there are no more notices, within a limit.
    pub async fn settle(&self) {
        let start = Instant::now();
        while start.elapsed() < MAX_SETTLE_TIME
            && tokio::time::timeout(SETTLE_TIME, self.noticed.notified()).await.is_ok()
        {}
    }
}

/// Returns whether a file was only read, which this process itself does all the time.
fn is_reading(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if *access != AccessKind::Close(AccessMode::Write))
}

/// Returns every folder in which a change can make the path lead to another file.
fn folders(file: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    for _ in 0..MAX_LINKS {
        let parents = path.ancestors().skip(1);
        // The parent of the folder is enough, since nobody moves whole trees of configuration.
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
