//! The data folder, which holds all files and is created if it does not exist.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// How a message explains a data folder that does not begin with `/`.
pub const RELATIVE: &str = "`data` in scanhost.yaml is relative to the working directory";

/// Warns the operator about a folder that does not exist yet, since a command that reads stored data finds nothing in
/// it.
pub fn warn_if_new(data: &Path) {
    if data.is_dir() {
        return;
    }
    let place = full_path(data);
    let why = if data.is_absolute() { String::new() } else { format!(": {RELATIVE}") };
    eprintln!("warning: there was no data folder at {}, so a new one is used{why}", place.display());
}

/// Creates the folder if it does not exist, and returns its full path.
pub fn create(data: &Path) -> anyhow::Result<PathBuf> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.with_context(|| format!("the data folder {} cannot be created", data.display()))?;
    data.canonicalize().with_context(|| format!("the data folder {} cannot be used", data.display()))
}

/// The full path of the folder, whether it exists or not.
pub fn full_path(data: &Path) -> PathBuf {
    let absolute = || std::path::absolute(data).ok();
    let path = data.canonicalize().ok().or_else(absolute).unwrap_or_else(|| data.to_owned());
    // A `./` in front is dropped.
    path.components().collect()
}
