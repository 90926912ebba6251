//! The installation's id, kept in a file of the data folder and made once. Remote scans carry it, and a store that
//! processes share remembers it, so that a process on another folder is noticed at its start.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::atomic;

/// The file's name in the data folder.
pub const FILE_NAME: &str = "installation";

/// The id of an installation, 16 lower case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation(String);

/// Why the installation's id cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    #[error("the file {0} cannot be read or created")]
    File(PathBuf, #[source] io::Error),
    #[error("the file {0} does not hold 16 hexadecimal digits: restore the original file")]
    NotAnId(PathBuf),
}

/// Whether the folder has an id.
pub fn is_in(data: &Path) -> bool {
    data.join(FILE_NAME).exists()
}

impl Installation {
    /// Reads the folder's id, or creates it if there is none.
    pub fn load_or_create(data: &Path) -> Result<Self, InstallationError> {
        let path = data.join(FILE_NAME);
        let read = || match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                atomic::create(&path, format!("{:016x}\n", rand::random::<u64>()).as_bytes())?;
                fs::read_to_string(&path)
            }
            other => other,
        };
        let text = read().map_err(|error| InstallationError::File(path.clone(), error))?;
        let id = text.trim();
        let is_id = id.len() == 16 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if is_id { Ok(Self(id.to_owned())) } else { Err(InstallationError::NotAnId(path)) }
    }

    /// The id of a process without a data folder, which makes no scans.
    pub fn none() -> Self {
        Self("0".repeat(16))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
