//! The data folder, which holds all files and is created if it does not exist.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::installation;

/// How a message explains a data folder that does not begin with `/`.
pub const RELATIVE: &str = "`data` in scanhost.yaml is relative to the working directory";

/// Checks that scanhost has worked in this folder before, since a command that looks at stored data creates none.
///
/// # Errors
/// If it has not. The error says what to do.
pub fn permit_looking(data: &Path) -> anyhow::Result<()> {
    if installation::is_in(data) {
        return Ok(());
    }
    let place = full_path(data);
    let why = if data.is_absolute() { String::new() } else { format!(" ({RELATIVE})") };
    bail!(
        "scanhost has no data at {}{why}: start the server first, or name its configuration with --config or \
         SCANHOST_CONFIG",
        place.display()
    )
}

/// Checks who may use the folder, if it exists: it belongs to the user of this process, and nobody else may write it.
/// Rights of others to read it are taken away where this process can do that.
///
/// # Errors
/// If another user's scanhost works in it, or others may write it. The error has the command that mends it.
pub fn permit_use(data: &Path) -> anyhow::Result<()> {
    let Ok(folder) = fs::metadata(data) else { return Ok(()) };
    let (me, place) = (rustix::process::geteuid().as_raw(), full_path(data));
    if let Ok(owner) = fs::metadata(data.join(installation::FILE_NAME)).map(|file| file.uid())
        && owner != me
    {
        let owner = user_name(owner);
        bail!(
            "the data folder {} belongs to the user {owner}, and files of another user in it would stop its server: run \
             this as that user, `sudo -u {owner} scanhost …`",
            place.display()
        );
    }
    let (mode, is_own) = (folder.mode(), folder.uid() == me);
    // Nobody can have put anything into a folder that is empty, such as a file system that was just mounted.
    let is_empty = fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_none());
    if mode & OTHERS_WRITE != 0 && !(is_own && is_empty) {
        // A volume that a container gets may be writable for all, and only what runs in the container sees it.
        let is_volume = !is_own && folder.uid() == 0 && mode & STICKY == 0;
        if !is_volume {
            bail!(
                "everybody may write the data folder {}, so that its files cannot be trusted: `chmod o-w {}`, or use \
                 another folder",
                place.display(),
                place.display()
            );
        }
        eprintln!("warning: everybody may write the data folder {}, and this user cannot change that", place.display());
    } else if mode & OTHERS != 0 && is_own && (is_empty || installation::is_in(data)) {
        let tightened = fs::set_permissions(data, Permissions::from_mode(mode & 0o7777 & !OTHERS));
        tightened.with_context(|| format!("the rights of others to {} cannot be taken away", place.display()))?;
    }
    Ok(())
}

/// Checks that only its owner, and perhaps a group, may read a file with secrets, if it exists.
///
/// # Errors
/// If everybody may. The error has the command that mends it.
pub fn permit_secret_file(file: &Path) -> anyhow::Result<()> {
    let Ok(metadata) = fs::metadata(file) else { return Ok(()) };
    if metadata.mode() & OTHERS == 0 {
        return Ok(());
    }
    if metadata.uid() == rustix::process::geteuid().as_raw() {
        bail!("everybody may read the key file {}: `chmod o-rwx {}`", file.display(), file.display());
    }
    eprintln!("warning: everybody may read the key file {}, and this user cannot change that", file.display());
    Ok(())
}

const OTHERS: u32 = 0o007;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// The user's name, or the number where it has none.
fn user_name(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    };
    users.lines().find_map(name).unwrap_or_else(|| format!("#{uid}"))
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
