//! The cache of compiled plugins for commands that start no host, so that the next command starts at once.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::PathBuf,
};

/// The folder of this user's cache. Without one everything still works, but more slowly.
pub fn folder() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let folder = base.join("scanhost").join("compiled");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    // Compiled code from this folder is run, so nobody else may write there.
    let mode = fs::metadata(&folder).ok()?.mode();
    (mode & 0o022 == 0).then_some(folder)
}
