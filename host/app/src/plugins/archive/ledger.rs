//! Which versions of each plugin have served, and which one serves instead of the configured file.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Versions of one plugin that are remembered, the one in use among them.
const MAX_SERVED: usize = 8;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger(BTreeMap<String, Entry>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// The latest is the last. No digest is there twice.
    served: Vec<Served>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    back: Option<WentBack>,
}

/// A version that was in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    pub sha256: String,
    pub version: String,
    pub since: Timestamp,
    /// Of a backend: of what it keeps about a scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_version: Option<u32>,
    /// Why it is no version to go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad: Option<String>,
}

/// A version that is in use instead of the file, for as long as the file stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WentBack {
    pub to: String,
    /// The file's digest.
    pub instead_of: String,
    pub at: Timestamp,
    pub reason: String,
}

impl Ledger {
    /// What is in use in the place of a file with this digest.
    pub fn went_back(&self, plugin: &str, file: &str) -> Option<&WentBack> {
        self.0.get(plugin)?.back.as_ref().filter(|back| back.instead_of == file)
    }

    /// What was gone back to and what from, whether the file has changed since or not.
    pub fn decided(&self, plugin: &str) -> Option<&WentBack> {
        self.0.get(plugin)?.back.as_ref()
    }

    /// The version that served before this one, the nearest that is not known to be bad.
    pub fn before(&self, plugin: &str, sha256: &str) -> Option<&Served> {
        let entry = self.0.get(plugin)?;
        entry.served.iter().rev().find(|served| served.sha256 != sha256 && served.bad.is_none())
    }

    /// Since when a version has served.
    pub fn since(&self, plugin: &str, sha256: &str) -> Option<Timestamp> {
        self.0.get(plugin)?.served.iter().find(|served| served.sha256 == sha256).map(|served| served.since)
    }

    /// The version of what a backend's version keeps about a scan.
    pub fn state_version(&self, plugin: &str, sha256: &str) -> Option<u32> {
        self.0.get(plugin)?.served.iter().find(|served| served.sha256 == sha256)?.state_version
    }

    /// Goes back; what served until now is bad from now on, unless it is what is gone back to.
    pub fn go_back(&mut self, plugin: &str, from: &str, back: WentBack) {
        let entry = self.0.entry(plugin.to_owned()).or_default();
        if from != back.to {
            for served in entry.served.iter_mut().filter(|served| served.sha256 == from) {
                served.bad = Some(back.reason.clone());
            }
        }
        entry.back = Some(back);
    }

    /// The configured file counts again. Whether it did not before.
    pub fn use_file(&mut self, plugin: &str) -> bool {
        self.0.get_mut(plugin).is_some_and(|entry| entry.back.take().is_some())
    }

    /// Takes back what was done to the plugin's entry since `before`, unless another has decided otherwise than `ours`
    /// since.
    pub fn undo(&mut self, plugin: &str, ours: Option<&WentBack>, before: &Self) {
        if self.decided(plugin) == ours
            && let Some(entry) = before.0.get(plugin)
        {
            self.0.insert(plugin.to_owned(), entry.clone());
        }
    }

    /// A version came into use. `file` is the digest of the configured file, which may be another one's, and `decided`
    /// what the ledger said of going back when it was loaded: who has decided since, in another process, knows better.
    pub fn serve(&mut self, plugin: &str, file: &str, served: Served, decided: Option<&WentBack>) {
        let entry = self.0.entry(plugin.to_owned()).or_default();
        if entry.back.is_some() && entry.back.as_ref() != decided {
            return;
        }
        entry.back = entry.back.take().filter(|back| back.instead_of == file && back.to == served.sha256);
        if entry.served.last().is_some_and(|last| last.sha256 == served.sha256 && last.bad.is_none()) {
            return;
        }
        entry.served.retain(|known| known.sha256 != served.sha256);
        entry.served.push(served);
        let superfluous = entry.served.len().saturating_sub(MAX_SERVED);
        entry.served.drain(..superfluous);
    }

    /// Whether a version is remembered.
    pub fn needs(&self, sha256: &str) -> bool {
        self.0.values().any(|entry| entry.served.iter().any(|served| served.sha256 == sha256))
    }
}
