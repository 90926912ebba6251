//! What has served: the bytes of each plugin's last versions, by digest, in the data folder, and a ledger that says which
//! they were and which of them an operator went back to.

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

pub use ledger::{Ledger, Served, WentBack};

/// A file that no version needs is deleted only when it is older than this: another process may be about to need it.
const GRACE: Duration = Duration::from_secs(3_600);

const LEDGER: &str = "ledger.json";

/// The folder `plugins` in the data folder.
#[derive(Clone)]
pub struct Kept(PathBuf);

impl Kept {
    pub fn new(data: &Path) -> Self {
        Self(data.join("plugins"))
    }

    /// The file whose change may change which version of a plugin is in use.
    pub fn ledger_file(&self) -> PathBuf {
        self.0.join(LEDGER)
    }

    /// # Errors
    /// In words for the operator; where there is none it is an empty one.
    pub fn ledger(&self) -> Result<Ledger, String> {
        let file = self.ledger_file();
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                format!("{}: {error}: delete it to forget which plugins were rolled back", file.display())
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ledger::default()),
            Err(error) => Err(format!("{}: {error}", file.display())),
        }
    }

    /// Changes the ledger, with no other process in between. Returns what `change` returns.
    ///
    /// # Errors
    /// In words for the operator.
    pub fn change<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> Result<T, String> {
        let failed = |error: io::Error| format!("{}: {error}", self.0.display());
        self.make_folder().map_err(failed)?;
        let lock = File::create(self.0.join("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let before = self.ledger()?;
        let mut ledger = before.clone();
        let changed = change(&mut ledger);
        if ledger != before {
            let text = serde_json::to_vec_pretty(&ledger).expect("a ledger is JSON");
            atomic::write(&self.ledger_file(), &text).map_err(failed)?;
            self.prune(&ledger).map_err(failed)?;
        }
        Ok(changed)
    }

    /// Keeps a version's bytes; not where there is no data folder, which commands that only look do not make.
    ///
    /// # Errors
    /// Of the file system.
    pub fn keep(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(&digest.to_string());
        if file.exists() || self.0.parent().is_none_or(|data| !data.is_dir()) {
            return Ok(());
        }
        self.make_folder()?;
        atomic::write(&file, bytes)
    }

    /// The bytes of a version, and no others.
    ///
    /// # Errors
    /// In words for the operator.
    pub fn bytes(&self, sha256: &str) -> Result<Vec<u8>, String> {
        let file = self.file(sha256);
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        if Digest::of(&bytes).to_string() != sha256 {
            return Err(format!("{} is damaged: its sha256 is another", file.display()));
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
            let is_needed = path.extension().is_none_or(|extension| extension != "wasm") || ledger.needs(stem);
            // A clock that went backwards makes it young, which does no harm.
            let age = path.metadata()?.modified()?.elapsed().unwrap_or_default();
            if !is_needed && age > GRACE {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}
