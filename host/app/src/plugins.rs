//! Loaded plugins: the component of each, where it came from, its limits and grants, and its generation.

mod archive;
mod load;

use std::sync::Arc;

use scanhost_config::PluginSource;
use scanhost_sandbox::{Backend, Digest, Profile, World};

pub use archive::{Ledger, PluginArchive, Rollback, ServedVersion};
pub use load::{Loader, STANDARD_PROFILE, built_in, built_in_names};

/// One loaded version of a plugin.
#[derive(Clone)]
pub struct Plugin {
    /// A backend's name is the one under which scanners.yaml refers to it.
    pub name: String,
    pub component: Component,
    pub origin: Origin,
    /// Counts the versions that this process has loaded under this name, from 1.
    pub generation: u64,
    /// The rollback that the ledger had for this plugin when it was loaded.
    pub known_rollback: Option<Rollback>,
    world: World,
    /// Its entry in the configuration, with its grants and limits. A built-in plugin has none.
    source: Option<PluginSource>,
}

#[derive(Clone)]
pub enum Component {
    Backend(Arc<Backend>),
    Profile(Arc<Profile>),
}

/// Where a plugin's component came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is built into this program.
    BuiltIn,
    /// It is the file that the configuration names.
    File,
    /// It is an earlier version from the archive, which is used instead of the file with this digest.
    Archived { instead_of: Digest },
}

impl Plugin {
    pub fn digest(&self) -> Digest {
        match &self.component {
            Component::Backend(backend) => backend.digest(),
            Component::Profile(profile) => profile.digest(),
        }
    }

    /// Returns the digest of the file that the configuration names. A built-in plugin has no file.
    pub fn file_digest(&self) -> Option<Digest> {
        match self.origin {
            Origin::BuiltIn => None,
            Origin::File => Some(self.digest()),
            Origin::Archived { instead_of } => Some(instead_of),
        }
    }

    /// Returns whether it is the version that is to be used according to the ledger.
    pub fn agrees_with(&self, ledger: &Ledger) -> bool {
        let Some((source, file)) = self.source.as_ref().zip(self.file_digest()) else { return true };
        match load::rollback_in_force(ledger, &self.name, source, file) {
            Some(rollback) => self.digest().to_string() == rollback.to,
            None => self.origin == Origin::File,
        }
    }

    /// Returns the name that logs and metrics give for its calls.
    pub fn call_name(&self) -> &str {
        match &self.component {
            Component::Backend(backend) => backend.description().name.as_str(),
            Component::Profile(profile) => profile.name(),
        }
    }

    pub fn kind(&self) -> &'static str {
        self.world.kind.name()
    }

    pub fn world(&self) -> &'static str {
        self.world.id()
    }

    pub fn backend(&self) -> Option<&Arc<Backend>> {
        match &self.component {
            Component::Backend(backend) => Some(backend),
            Component::Profile(_) => None,
        }
    }

    pub fn profile(&self) -> Option<&Arc<Profile>> {
        match &self.component {
            Component::Profile(profile) => Some(profile),
            Component::Backend(_) => None,
        }
    }
}
