//! The one way by which a component becomes a plugin.

use crate::{
    backend::Backend, component::Component, digest::Digest, fault::LoadError, grant::Grants, limits::Limits,
    profile::Profile, world::PluginKind,
};

/// A loaded component of one of the worlds.
pub enum Plugin {
    Backend(Box<Backend>),
    Profile(Box<Profile>),
}

impl Plugin {
    /// Checks the component against the world that it was built for, and a backend also by its description.
    pub async fn load(component: &Component, limits: Limits, grants: Grants) -> Result<Self, LoadError> {
        match component.world()?.kind {
            PluginKind::Backend => Backend::link(component, limits, grants).await.map(Box::new).map(Self::Backend),
            PluginKind::Profile => Profile::link(component, limits, grants).map(Box::new).map(Self::Profile),
        }
    }

    pub fn digest(&self) -> Digest {
        match self {
            Self::Backend(backend) => backend.digest(),
            Self::Profile(profile) => profile.digest(),
        }
    }
}
