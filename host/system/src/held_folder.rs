//! The data folder of a running process, recognised by its file `installation`, which is held open: a folder that was
//! unmounted, or another one that was mounted in its place, is not taken for it.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{disk, installation};

#[derive(Debug)]
pub struct HeldFolder {
    path: PathBuf,
    installation: File,
}

/// Why the data folder cannot be used now.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error(
        "the data folder {0} is not the one that this process was started on: it was unmounted, or another one was put \
         in its place; put it back, and the host goes on by itself"
    )]
    Replaced(PathBuf),
    #[error("the data folder {path} cannot be {action}: {reason}; {remedy}", reason = Reason(.source), remedy = remedy(.source))]
    Unusable { path: PathBuf, action: &'static str, source: io::Error },
}

impl HeldFolder {
    /// Opens the folder, which has its file `installation` already.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), installation: File::open(path.join(installation::FILE_NAME))? })
    }

    /// Checks that the path still leads to this folder. It asks the file system, which may hang.
    ///
    /// # Errors
    /// [`FolderError::Replaced`] if it leads elsewhere or nowhere.
    pub fn check(&self) -> Result<(), FolderError> {
        let unusable = |source| FolderError::Unusable { path: self.path.clone(), action: "read", source };
        let held = self.installation.metadata().map_err(unusable)?;
        match fs::metadata(self.path.join(installation::FILE_NAME)) {
            Ok(found) if (found.dev(), found.ino()) == (held.dev(), held.ino()) => Ok(()),
            Ok(_) => Err(FolderError::Replaced(self.path.clone())),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(FolderError::Replaced(self.path.clone()))
            }
            Err(error) => Err(unusable(error)),
        }
    }

    /// Checks that it is this folder, and that a few bytes can be written into it and reach the disk.
    ///
    /// # Errors
    /// As [`HeldFolder::check`], and if the disk is full, nearly full or read-only.
    pub fn probe(&self) -> Result<(), FolderError> {
        self.check()?;
        disk::probe(&self.path).map_err(|source| FolderError::Unusable {
            path: self.path.clone(),
            action: "written to",
            source,
        })
    }
}

/// What the system says, without its number.
struct Reason<'a>(&'a io::Error);

impl std::fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = self.0.kind();
        if kind == io::ErrorKind::Other { write!(f, "{}", self.0) } else { write!(f, "{kind}") }
    }
}

/// What an operator can do about an error of the file system.
pub fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "give the user that scanhost runs as the right to read and write it",
        io::ErrorKind::ReadOnlyFilesystem => "mount its file system for writing",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on its file system",
        _ => "check its file system and its mount",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        installation::Installation::load_or_create(folder.path()).unwrap();
        folder
    }

    #[test]
    fn replaced_and_missing_folders_are_noticed_and_the_original_is_accepted_again() {
        let folder = new_folder();
        let (data, aside) = (folder.path().join("data"), folder.path().join("aside"));
        fs::create_dir(&data).unwrap();
        installation::Installation::load_or_create(&data).unwrap();
        let held = HeldFolder::open(&data).unwrap();
        held.probe().unwrap();
        fs::rename(&data, &aside).unwrap();
        assert!(matches!(held.check(), Err(FolderError::Replaced(_))), "missing");
        fs::create_dir(&data).unwrap();
        assert!(matches!(held.probe(), Err(FolderError::Replaced(_))), "an empty mount point");
        fs::copy(aside.join("installation"), data.join("installation")).unwrap();
        assert!(matches!(held.check(), Err(FolderError::Replaced(_))), "a copy");
        fs::remove_dir_all(&data).unwrap();
        fs::rename(&aside, &data).unwrap();
        held.probe().unwrap();
    }

    #[test]
    fn errors_name_the_path_and_a_remedy() {
        for (kind, expected) in [
            (io::ErrorKind::PermissionDenied, "give the user"),
            (io::ErrorKind::ReadOnlyFilesystem, "mount its file system for writing"),
            (io::ErrorKind::StorageFull, "make room"),
        ] {
            let error = FolderError::Unusable { path: "/srv/data".into(), action: "written to", source: kind.into() };
            let text = error.to_string();
            assert!(text.contains("/srv/data") && text.contains(expected) && !text.contains("os error"), "{text}");
        }
    }
}
