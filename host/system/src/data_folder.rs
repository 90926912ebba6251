//! The folder of all files, which is made where there is none.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// What a folder means that does not begin with /.
pub const RELATIVE: &str = "`data` in scanhost.yaml is relative to the working directory";

/// Tells the operator of a folder that is not there yet: a command that looks at what is stored will find nothing in it.
pub fn warn_if_new(data: &Path) {
    if data.is_dir() {
        return;
    }
    let place = full_path(data);
    let why = if data.is_absolute() { String::new() } else { format!(": {RELATIVE}") };
    eprintln!("warning: there was no data folder at {}, so a new one is used{why}", place.display());
}

/// Makes it where there is none.
///
/// # Errors
/// When it cannot be made or used.
pub fn create(data: &Path) -> anyhow::Result<PathBuf> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.with_context(|| format!("the data folder {} cannot be created", data.display()))?;
    data.canonicalize().with_context(|| format!("the data folder {} cannot be used", data.display()))
}

/// Its whole path, whether it is there or not.
pub fn full_path(data: &Path) -> PathBuf {
    let absolute = || std::path::absolute(data).ok();
    let path = data.canonicalize().ok().or_else(absolute).unwrap_or_else(|| data.to_owned());
    // `./` is no part of where it is.
    path.components().collect()
}
