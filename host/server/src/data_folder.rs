//! The folder of all files: found where it has to be there already, else made.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

/// What a folder means that does not begin with /.
pub const RELATIVE: &str = "`data` in scanhost.yaml is relative to the working directory";

/// # Errors
/// When it is not there.
pub fn find(data: &Path) -> anyhow::Result<()> {
    if data.is_dir() {
        return Ok(());
    }
    let place = full(data);
    let place = place.display();
    if data.is_absolute() {
        bail!(
            "there is no data folder at {place}: `scanhost serve` makes it, or `data` in scanhost.yaml is another one"
        );
    }
    bail!("there is no data folder at {place}: {RELATIVE}; run this where the server runs, or make it absolute")
}

/// Makes it where there is none.
///
/// # Errors
/// When it cannot be made or used.
pub fn make(data: &Path) -> anyhow::Result<PathBuf> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.with_context(|| format!("the data folder {} cannot be made", data.display()))?;
    data.canonicalize().with_context(|| format!("the data folder {} cannot be used", data.display()))
}

/// Its whole path, whether it is there or not.
pub fn full(data: &Path) -> PathBuf {
    let absolute = || std::path::absolute(data).ok();
    let path = data.canonicalize().ok().or_else(absolute).unwrap_or_else(|| data.to_owned());
    // `./` is no part of where it is.
    path.components().collect()
}
