//! The archive of plugins in the data folder: the components of each plugin's last versions, by digest, and the ledger
//! of versions that were in use and of rollbacks.

mod ledger;

#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use scanhost_sandbox::Digest;
use scanhost_system::atomic;

pub use ledger::{Ledger, Rollback, ServedVersion};

/// The minimum age of a component that is deleted: another process may be about to record a younger one in the ledger.
const MIN_DELETE_AGE: Duration = Duration::from_secs(3_600);

/// The record of versions that were in use. Every process writes it whenever a version comes into use.
const RECORD: &str = "ledger.json";

/// The rollbacks in force. They change only with a decision of an operator or of the host.
const ROLLBACKS: &str = "rollbacks.json";

/// The folder `plugins` in the data folder.
#[derive(Clone)]
pub struct PluginArchive(PathBuf);

impl PluginArchive {
    pub fn new(data: &Path) -> Self {
        Self(data.join("plugins"))
    }

    /// Returns the path of the file of rollbacks. If it changes, other versions of plugins may have to be used.
    pub fn rollbacks_file(&self) -> PathBuf {
        self.0.join(ROLLBACKS)
    }

    /// Reads the ledger. It is empty if there are no files yet.
    ///
    /// # Errors
    /// A message for the operator.
    pub fn ledger(&self) -> Result<Ledger, String> {
        let broken = |file: &Path, error: serde_json::Error, effect: &str| {
            format!("{}: {error}: delete the file to {effect}", file.display())
        };
        let (record, file) = (self.0.join(RECORD), self.rollbacks_file());
        let rollbacks = match read_if_present(&file)? {
            Some(text) => Some(
                serde_json::from_slice(&text)
                    .map_err(|error| broken(&file, error, "use the configured file of every plugin again"))?,
            ),
            None => None,
        };
        let text = read_if_present(&record)?.unwrap_or_else(|| b"{}".to_vec());
        Ledger::parse(&text, rollbacks)
            .map_err(|error| broken(&record, error, "forget which versions of the plugins were in use before"))
    }

    /// Changes the ledger while a lock keeps all other processes from changing it. Returns what `change` returns.
    ///
    /// # Errors
    /// A message for the operator.
    pub fn change<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> Result<T, String> {
        let failed = |error: io::Error| format!("{}: {error}", self.0.display());
        self.make_folder().map_err(failed)?;
        let lock = File::create(self.0.join("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let before = self.ledger()?;
        let mut ledger = before.clone();
        let changed = change(&mut ledger);
        if ledger != before {
            // Rollbacks are written first: a version that is recorded without its rollback would end the rollback.
            let (rollbacks, file) = (ledger.rollbacks(), self.rollbacks_file());
            if rollbacks != before.rollbacks() || !file.exists() {
                let text = serde_json::to_vec_pretty(&rollbacks).expect("rollbacks are JSON");
                atomic::write(&file, &text).map_err(failed)?;
            }
            atomic::write(&self.0.join(RECORD), &ledger.record()).map_err(failed)?;
            self.prune(&ledger).map_err(failed)?;
        }
        Ok(changed)
    }

    /// Stores a version's component. It does nothing if there is no data folder: read-only commands do not make one.
    pub fn store(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(&digest.to_string());
        if file.exists() || self.0.parent().is_none_or(|data| !data.is_dir()) {
            return Ok(());
        }
        self.make_folder()?;
        atomic::write(&file, bytes)
    }

    /// Reads a version's component and checks its digest.
    ///
    /// # Errors
    /// A message for the operator.
    pub fn component(&self, sha256: &str) -> Result<Vec<u8>, String> {
        let file = self.file(sha256);
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        if Digest::of(&bytes).to_string() != sha256 {
            return Err(format!("{} is damaged: its sha256 is not the one in its name", file.display()));
        }
        Ok(bytes)
    }

    fn file(&self, sha256: &str) -> PathBuf {
        self.0.join(format!("{sha256}.wasm"))
    }

    fn make_folder(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        fs::set_permissions(&self.0, Permissions::from_mode(0o700))
    }

    fn prune(&self, ledger: &Ledger) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let is_kept = path.extension().is_none_or(|extension| extension != "wasm") || ledger.remembers(stem);
            // If the clock went backwards, the file counts as new and is deleted later.
            let age = path.metadata()?.modified()?.elapsed().unwrap_or_default();
            if !is_kept && age > MIN_DELETE_AGE {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

fn read_if_present(file: &Path) -> Result<Option<Vec<u8>>, String> {
    match fs::read(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}
