//! Where commands that start no host keep compiled plugins, so that the next one starts at once.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::PathBuf,
};

/// Of this user. Without one everything works, more slowly.
pub fn folder() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let folder = base.join("scanhost").join("compiled");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    // What is in it is run: nobody else may write there.
    let mode = fs::metadata(&folder).ok()?.mode();
    (mode & 0o022 == 0).then_some(folder)
}
