//! The ledger: which versions of each plugin were in use, and which plugins are rolled back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many versions of one plugin are remembered, including the one in use.
const MAX_SERVED: usize = 8;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger(BTreeMap<String, Entry>);

/// The rollbacks in force, by plugin.
pub type Rollbacks = BTreeMap<String, Rollback>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// The version that came into use last is the last one. No digest is in the list twice.
    served: Vec<ServedVersion>,
    /// Rollbacks have a file of their own. This field is only read, because scanhost 0.1.0 wrote them here.
    #[serde(default, skip_serializing, rename = "back")]
    rollback: Option<Rollback>,
}

/// A version that was in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedVersion {
    pub sha256: String,
    pub version: String,
    pub since: Timestamp,
    /// A backend declares the version of the state that it stores with a scan. Profiles have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_version: Option<u32>,
    /// If present, the version is bad for this reason, and no rollback chooses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad: Option<String>,
}

/// A version that is used instead of the configured file, until the file changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// The digest of the version to use.
    pub to: String,
    /// The digest of the file that is not used.
    pub instead_of: String,
    pub at: Timestamp,
    pub reason: String,
}

impl Ledger {
    /// Combines the record of served versions with the rollbacks. Without rollbacks, those in the record itself apply.
    ///
    /// # Errors
    /// The record is not valid JSON or does not have the expected structure.
    pub fn parse(record: &[u8], rollbacks: Option<Rollbacks>) -> Result<Self, serde_json::Error> {
        let mut entries: BTreeMap<String, Entry> = serde_json::from_slice(record)?;
        if let Some(rollbacks) = rollbacks {
            entries.values_mut().for_each(|entry| entry.rollback = None);
            for (plugin, rollback) in rollbacks {
                entries.entry(plugin).or_default().rollback = Some(rollback);
            }
        }
        Ok(Self(entries))
    }

    /// Returns the record of served versions as JSON, without the rollbacks.
    pub fn record(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(&self.0).expect("a ledger is JSON")
    }

    pub fn rollbacks(&self) -> Rollbacks {
        let rollback = |(plugin, entry): (&String, &Entry)| Some((plugin.clone(), entry.rollback.clone()?));
        self.0.iter().filter_map(rollback).collect()
    }

    /// Returns the plugin's rollback if it replaces a file with this digest.
    pub fn rollback_for(&self, plugin: &str, file: &str) -> Option<&Rollback> {
        self.rollback(plugin).filter(|rollback| rollback.instead_of == file)
    }

    /// Returns the plugin's rollback, even if its file has changed since.
    pub fn rollback(&self, plugin: &str) -> Option<&Rollback> {
        self.0.get(plugin)?.rollback.as_ref()
    }

    /// Returns the latest version other than this one that is not known to be bad.
    pub fn last_good(&self, plugin: &str, sha256: &str) -> Option<&ServedVersion> {
        let entry = self.0.get(plugin)?;
        entry.served.iter().rev().find(|served| served.sha256 != sha256 && served.bad.is_none())
    }

    /// Returns the time at which this version came into use.
    pub fn since(&self, plugin: &str, sha256: &str) -> Option<Timestamp> {
        self.0.get(plugin)?.served.iter().find(|served| served.sha256 == sha256).map(|served| served.since)
    }

    /// Returns the version of the state that this version of a backend stores with a scan.
    pub fn state_version(&self, plugin: &str, sha256: &str) -> Option<u32> {
        self.0.get(plugin)?.served.iter().find(|served| served.sha256 == sha256)?.state_version
    }

    /// Records a rollback. The version `from` is bad from now on, unless it is the one to be used.
    pub fn roll_back(&mut self, plugin: &str, from: &str, rollback: Rollback) {
        let entry = self.0.entry(plugin.to_owned()).or_default();
        if from != rollback.to {
            for served in entry.served.iter_mut().filter(|served| served.sha256 == from) {
                served.bad = Some(rollback.reason.clone());
            }
        }
        entry.rollback = Some(rollback);
    }

    /// Ends the plugin's rollback, so that its configured file is used again. Returns whether there was a rollback.
    pub fn use_file(&mut self, plugin: &str) -> bool {
        self.0.get_mut(plugin).is_some_and(|entry| entry.rollback.take().is_some())
    }

    /// Restores the plugin's entry from `before`, unless its rollback is no longer `ours`: then another process has
    /// decided otherwise in the meantime, and its decision stays.
    pub fn undo(&mut self, plugin: &str, ours: Option<&Rollback>, before: &Self) {
        if self.rollback(plugin) == ours
            && let Some(entry) = before.0.get(plugin)
        {
            self.0.insert(plugin.to_owned(), entry.clone());
        }
    }

    /// Records that a version came into use. `file` is the digest of the configured file, which is another than the
    /// version's after a rollback. `known_rollback` is the rollback that the ledger had when the version was loaded: if
    /// another process has rolled the plugin back since then, nothing is recorded, because that decision is newer.
    pub fn record_served(
        &mut self,
        plugin: &str,
        file: &str,
        served: ServedVersion,
        known_rollback: Option<&Rollback>,
    ) {
        let entry = self.0.entry(plugin.to_owned()).or_default();
        if entry.rollback.is_some() && entry.rollback.as_ref() != known_rollback {
            return;
        }
        let is_in_force = |rollback: &Rollback| rollback.instead_of == file && rollback.to == served.sha256;
        entry.rollback = entry.rollback.take().filter(is_in_force);
        if entry.served.last().is_some_and(|last| last.sha256 == served.sha256 && last.bad.is_none()) {
            return;
        }
        entry.served.retain(|known| known.sha256 != served.sha256);
        entry.served.push(served);
        let superfluous = entry.served.len().saturating_sub(MAX_SERVED);
        entry.served.drain(..superfluous);
    }

    /// Returns whether a version with this digest is remembered.
    pub fn remembers(&self, sha256: &str) -> bool {
        self.0.values().any(|entry| entry.served.iter().any(|served| served.sha256 == sha256))
    }
}
