//! The plugins in use: which bytes each was made of, what it may do, and which of its generations it is.

mod archive;
mod load;

use std::sync::Arc;

use scanhost_config::PluginSource;
use scanhost_sandbox::{Backend, Digest, Profile, World};

pub use archive::{Kept, Ledger, Served, WentBack};
pub use load::{Loader, STANDARD_PROFILE};

/// One loaded version of a plugin.
#[derive(Clone)]
pub struct Plugin {
    /// Of a backend: what the configuration of scanners calls it.
    pub name: String,
    pub component: Component,
    pub origin: Origin,
    /// Counts the versions that this process has loaded under the name, from 1.
    pub generation: u64,
    /// What the ledger said of going back when it was loaded.
    pub decided: Option<WentBack>,
    world: World,
    /// Its entry in the configuration, for what it is granted and limited to. None: it is inside this program.
    source: Option<PluginSource>,
}

#[derive(Clone)]
pub enum Component {
    Backend(Arc<Backend>),
    Profile(Arc<Profile>),
}

/// Where its bytes are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Inside this program.
    BuiltIn,
    /// The file that the configuration names.
    File,
    /// What served before, in the place of a file with this digest.
    Kept { instead_of: Digest },
}

impl Plugin {
    pub fn digest(&self) -> Digest {
        match &self.component {
            Component::Backend(backend) => backend.digest(),
            Component::Profile(profile) => profile.digest(),
        }
    }

    /// The digest of the file that the configuration names; none for what is inside this program.
    pub fn file_digest(&self) -> Option<Digest> {
        match self.origin {
            Origin::BuiltIn => None,
            Origin::File => Some(self.digest()),
            Origin::Kept { instead_of } => Some(instead_of),
        }
    }

    /// Whether it is the version that the ledger wants in the place of its file.
    pub fn is_wanted_by(&self, ledger: &Ledger) -> bool {
        let Some((source, file)) = self.source.as_ref().zip(self.file_digest()) else { return true };
        match load::instead_of(ledger, &self.name, source, file) {
            Some(back) => self.digest().to_string() == back.to,
            None => self.origin == Origin::File,
        }
    }

    /// What it is called in what is told of its calls.
    pub fn called(&self) -> &str {
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
