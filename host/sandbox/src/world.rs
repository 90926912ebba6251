//! The worlds that this host supports, and which one a component was built for, by the names of its exports.

use std::fmt;

use semver::{Version, VersionReq};

use crate::{bindings, fault::LoadError};

#[cfg(test)]
mod tests;

/// What a plugin is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginKind {
    Backend,
    Profile,
}

impl PluginKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Profile => "profile",
        }
    }
}

/// A world that this host has bindings for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct World {
    pub kind: PluginKind,
    /// The text that its bindings are made from, so that both have the same version.
    wit: &'static str,
}

/// One for every module of `bindings`.
pub const WORLDS: [World; 2] = [
    World { kind: PluginKind::Backend, wit: bindings::backend::WIT },
    World { kind: PluginKind::Profile, wit: bindings::profile::WIT },
];

impl World {
    pub(crate) const BACKEND: Self = WORLDS[0];
    pub(crate) const PROFILE: Self = WORLDS[1];

    /// Such as `scanhost:backend@0.1.0`.
    pub fn id(self) -> &'static str {
        let declared = self.wit.lines().find_map(|line| line.strip_prefix("package ")?.strip_suffix(';'));
        declared.expect("the bindings were made from this text")
    }

    /// Such as `scanhost:backend`.
    pub fn package(self) -> &'static str {
        self.id().split_once('@').map_or(self.id(), |(package, _)| package)
    }

    /// The world as WIT text.
    pub fn wit(self) -> &'static str {
        self.wit
    }

    /// Whether a component of that version fits these bindings. As everywhere in the component model, versions fit each
    /// other if their leftmost number that is not zero is the same.
    fn takes(self, version: &Version) -> bool {
        let own = self.id().rsplit_once('@').and_then(|(_, version)| VersionReq::parse(version).ok());
        own.is_some_and(|own| own.matches(version))
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The world of a component that exports these interfaces.
pub fn world_of(exports: &[String]) -> Result<World, LoadError> {
    // `scanhost:backend/scanner@0.1.0` is an interface of `scanhost:backend`, at a version.
    let interfaces = exports.iter().filter_map(|export| {
        let (interface, version) = export.split_once('@')?;
        let (package, _) = interface.split_once('/')?;
        Some((package, Version::parse(version).ok()?))
    });
    let mut ours = interfaces.filter(|(package, _)| WORLDS.iter().any(|world| world.package() == *package)).peekable();
    if ours.peek().is_none() {
        return Err(LoadError::ForeignWorld { exports: exports.to_vec() });
    }
    let mut found = None;
    for (package, version) in ours {
        let world = WORLDS.into_iter().find(|world| world.package() == package && world.takes(&version));
        let Some(world) = world else {
            return Err(LoadError::Version { found: format!("{package}@{version}") });
        };
        found = Some(world);
    }
    found.ok_or_else(|| LoadError::ForeignWorld { exports: exports.to_vec() })
}

/// The versions of the package of `id` that this host supports, as text.
pub fn supported(id: &str) -> String {
    let package = id.split_once('@').map_or(id, |(package, _)| package);
    let ids: Vec<_> = WORLDS.into_iter().filter(|world| world.package() == package).map(World::id).collect();
    ids.join(" and ")
}
