//! Loads plugins. A file is read only once, so that the bytes that were checked are the ones that are compiled.

use std::{collections::BTreeMap, sync::Arc};

use scanhost_config::PluginSource;
use scanhost_domain::error_chain::chain;
use scanhost_sandbox::{Backend, Digest, Grants, Limits, Plugin as Loaded, Sandbox, World};

use super::{Component, Ledger, Origin, Plugin, PluginArchive, Rollback};
use crate::plugin_file;

/// The built-in plugins.
const MOCK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mock.wasm"));
const NESSUS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nessus.wasm"));
const NMAP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nmap.wasm"));
const PROFILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/profile.wasm"));
const TRIAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/triage.wasm"));

const BUILT_IN: [(&str, &[u8]); 5] =
    [("mock", MOCK), ("nessus", NESSUS), ("nmap", NMAP), (STANDARD_PROFILE, PROFILE), ("triage", TRIAGE)];

/// The component of a built-in plugin.
pub fn built_in(name: &str) -> Option<&'static [u8]> {
    BUILT_IN.into_iter().find(|(known, _)| *known == name).map(|(_, bytes)| bytes)
}

pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.into_iter().map(|(name, _)| name)
}

/// The name of the built-in standard profile in lists of plugins. No configured plugin can have this name.
pub const STANDARD_PROFILE: &str = "(standard profile)";

/// Loads plugins. Those that have not changed since the last snapshot are reused.
pub struct Loader<'a> {
    sandbox: &'a Arc<Sandbox>,
    archive: &'a PluginArchive,
    ledger: Ledger,
    before: &'a [Arc<Plugin>],
    /// The last generation of each plugin, by name.
    pub generations: BTreeMap<String, u64>,
}

impl<'a> Loader<'a> {
    /// `before` has the plugins of the last snapshot, and `generations` their last generations.
    ///
    /// # Errors
    /// The ledger cannot be read, so it is not known which plugins are rolled back.
    pub fn new(
        sandbox: &'a Arc<Sandbox>,
        archive: &'a PluginArchive,
        before: &'a [Arc<Plugin>],
        generations: BTreeMap<String, u64>,
    ) -> Result<Self, String> {
        Ok(Self { sandbox, archive, ledger: archive.ledger()?, before, generations })
    }

    /// Loads the built-in plugins.
    pub async fn built_in(&mut self) -> Vec<Arc<Plugin>> {
        let mut plugins = Vec::new();
        for (name, bytes) in BUILT_IN {
            let known = self.before.iter().find(|plugin| plugin.name == name && plugin.origin == Origin::BuiltIn);
            let plugin = match known {
                Some(known) => known.clone(),
                None => Arc::new(self.load_built_in(name, bytes).await),
            };
            plugins.push(plugin);
        }
        plugins
    }

    async fn load_built_in(&mut self, name: &str, bytes: &[u8]) -> Plugin {
        let is_tested = "the built-in plugins are tested with this program";
        let component = scanhost_sandbox::Component::compile(self.sandbox.clone(), bytes).expect(is_tested);
        let loaded = match Loaded::load(&component, Limits::default(), Grants::ALL).await.expect(is_tested) {
            Loaded::Backend(backend) => Component::Backend(Arc::from(backend)),
            Loaded::Profile(profile) if name == STANDARD_PROFILE => Component::Profile(Arc::from(profile)),
            Loaded::Profile(profile) => Component::Profile(Arc::new(profile.named(name.to_owned()))),
        };
        Plugin {
            name: name.to_owned(),
            component: loaded,
            origin: Origin::BuiltIn,
            generation: self.next_generation(name),
            known_rollback: None,
            world: component.world().expect(is_tested),
            source: None,
        }
    }

    /// Loads a plugin of the configuration, or the version that it was rolled back to.
    ///
    /// # Errors
    /// A message for the operator.
    pub async fn configured(&mut self, name: &str, source: &PluginSource) -> Result<Arc<Plugin>, String> {
        let bytes = plugin_file::read(&source.file)?;
        let found = Digest::of(&bytes);
        if let Some(rollback) = rollback_in_force(&self.ledger, name, source, found) {
            let bytes = self.archive.component(&rollback.to)?;
            return self.plugin(name, &bytes, Origin::Archived { instead_of: found }, source).await;
        }
        plugin_file::permit_digest(source, found).map_err(|refused| refused.to_string())?;
        self.plugin(name, &bytes, Origin::File, source).await
    }

    /// Returns the plugin of this name from the last snapshot.
    pub fn unchanged(&self, name: &str) -> Option<Arc<Plugin>> {
        self.before.iter().find(|plugin| plugin.name == name).cloned()
    }

    async fn plugin(
        &mut self,
        name: &str,
        bytes: &[u8],
        origin: Origin,
        source: &PluginSource,
    ) -> Result<Arc<Plugin>, String> {
        let digest = Digest::of(bytes);
        let is_same = |plugin: &&Arc<Plugin>| {
            let settings = |source: &PluginSource| (source.limits.clone(), source.grants.clone());
            let has_same_settings = plugin.source.as_ref().map(settings) == Some(settings(source));
            plugin.name == name && plugin.digest() == digest && has_same_settings
        };
        let known_rollback = self.ledger.rollback(name).cloned();
        match self.before.iter().find(is_same) {
            Some(unchanged) if unchanged.origin == origin => return Ok(unchanged.clone()),
            Some(moved) => return Ok(Arc::new(Plugin { origin, known_rollback, ..Plugin::clone(moved) })),
            None => {}
        }
        let (component, world) = load(self.sandbox, name, source, bytes).await?;
        if origin == Origin::File
            && let Err(error) = self.archive.store(digest, bytes)
        {
            tracing::warn!(plugin = name, sha256 = %digest, error = chain(&error), "the plugin's component cannot be stored in the data folder, so no rollback to this version will be possible");
        }
        let (name, generation) = (name.to_owned(), self.next_generation(name));
        let source = Some(source.clone());
        Ok(Arc::new(Plugin { name, component, origin, generation, known_rollback, world, source }))
    }

    fn next_generation(&mut self, name: &str) -> u64 {
        let generation = self.generations.entry(name.to_owned()).or_default();
        *generation += 1;
        *generation
    }
}

impl Plugin {
    /// Loads another version of this backend with the same grants and limits. Call it only where blocking is allowed,
    /// since compiling takes long.
    ///
    /// # Errors
    /// A message for the operator.
    pub async fn other_version(&self, sandbox: Arc<Sandbox>, bytes: Vec<u8>) -> Result<Arc<Backend>, String> {
        let source =
            self.source.as_ref().ok_or("it is a built-in plugin now, and a built-in plugin has no other version")?;
        // A pinned digest does not matter here, since this version was permitted when the scan began.
        let mut source = source.clone();
        source.sha256 = None;
        match load(&sandbox, &self.name, &source, &bytes).await? {
            (Component::Backend(backend), _) => Ok(backend),
            (Component::Profile(_), _) => Err("it is a profile and no backend".to_owned()),
        }
    }
}

/// Returns the rollback that replaces a file with this digest. A digest that the operator pinned in the configuration
/// has priority: a rollback to any other version is then not in force.
pub(super) fn rollback_in_force<'a>(
    ledger: &'a Ledger,
    name: &str,
    source: &PluginSource,
    file: Digest,
) -> Option<&'a Rollback> {
    let pinned = source.sha256.map(|pinned| Digest::from(pinned).to_string());
    let rollback = ledger.rollback_for(name, &file.to_string());
    rollback.filter(|rollback| pinned.as_ref().is_none_or(|pinned| *pinned == rollback.to))
}

async fn load(
    sandbox: &Arc<Sandbox>,
    name: &str,
    source: &PluginSource,
    bytes: &[u8],
) -> Result<(Component, World), String> {
    let loaded = plugin_file::load_configured(sandbox, name, source, bytes).await;
    let (component, loaded) = loaded.map_err(|refused| refused.to_string())?;
    let world = component.world().map_err(|error| chain(&error))?;
    let component = match loaded {
        Loaded::Backend(backend) => Component::Backend(Arc::from(backend)),
        Loaded::Profile(profile) => Component::Profile(Arc::new(profile.named(name.to_owned()))),
    };
    Ok((component, world))
}
