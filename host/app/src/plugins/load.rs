//! From a file to a plugin: the bytes are read once, and those that were checked are those that are compiled.

use std::{collections::BTreeMap, sync::Arc};

use scanhost_config::PluginSource;
use scanhost_domain::error_chain::chain;
use scanhost_sandbox::{Backend, Digest, Grants, Limits, Plugin as Loaded, Sandbox, World};

use super::{Component, Kept, Ledger, Origin, Plugin, WentBack};
use crate::plugin_file;

/// The plugins inside this program.
const MOCK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mock.wasm"));
const NESSUS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nessus.wasm"));
const NMAP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nmap.wasm"));
const PROFILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/profile.wasm"));
const TRIAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/triage.wasm"));

/// What the profile inside this program is called where plugins are listed. No configured plugin can have the name.
pub const STANDARD_PROFILE: &str = "(standard profile)";

/// Loads plugins, and takes over from the last time those that have not changed.
pub struct Loader<'a> {
    sandbox: &'a Arc<Sandbox>,
    kept: &'a Kept,
    ledger: Ledger,
    before: &'a [Arc<Plugin>],
    /// The last generation that each name has had.
    pub generations: BTreeMap<String, u64>,
}

impl<'a> Loader<'a> {
    /// `before` is what was loaded the last time, and `generations` what that loader ended with.
    ///
    /// # Errors
    /// When it cannot be known which plugins were rolled back.
    pub fn new(
        sandbox: &'a Arc<Sandbox>,
        kept: &'a Kept,
        before: &'a [Arc<Plugin>],
        generations: BTreeMap<String, u64>,
    ) -> Result<Self, String> {
        Ok(Self { sandbox, kept, ledger: kept.ledger()?, before, generations })
    }

    /// Those inside this program.
    pub async fn built_in(&mut self) -> Vec<Arc<Plugin>> {
        let mut plugins = Vec::new();
        let parts =
            [("mock", MOCK), ("nessus", NESSUS), ("nmap", NMAP), (STANDARD_PROFILE, PROFILE), ("triage", TRIAGE)];
        for (name, bytes) in parts {
            let known = self.before.iter().find(|plugin| plugin.name == name && plugin.origin == Origin::BuiltIn);
            let plugin = match known {
                Some(known) => known.clone(),
                None => Arc::new(self.part_of_this_program(name, bytes).await),
            };
            plugins.push(plugin);
        }
        plugins
    }

    async fn part_of_this_program(&mut self, name: &str, bytes: &[u8]) -> Plugin {
        let fits = "the plugins inside this program fit it";
        let component = scanhost_sandbox::Component::compile(self.sandbox.clone(), bytes).expect(fits);
        let loaded = match Loaded::load(&component, Limits::default(), Grants::ALL).await.expect(fits) {
            Loaded::Backend(backend) => Component::Backend(Arc::from(backend)),
            Loaded::Profile(profile) if name == STANDARD_PROFILE => Component::Profile(Arc::from(profile)),
            Loaded::Profile(profile) => Component::Profile(Arc::new(profile.named(name.to_owned()))),
        };
        Plugin {
            name: name.to_owned(),
            component: loaded,
            origin: Origin::BuiltIn,
            generation: self.next_generation(name),
            decided: None,
            world: component.world().expect(fits),
            source: None,
        }
    }

    /// One of the operator's.
    ///
    /// # Errors
    /// In words for the operator.
    pub async fn configured(&mut self, name: &str, source: &PluginSource) -> Result<Arc<Plugin>, String> {
        let bytes = plugin_file::read(&source.file)?;
        let found = Digest::of(&bytes);
        if let Some(back) = instead_of(&self.ledger, name, source, found) {
            let bytes = self.kept.bytes(&back.to)?;
            return self.plugin(name, &bytes, Origin::Kept { instead_of: found }, source).await;
        }
        plugin_file::permit_digest(source, found).map_err(|refused| refused.to_string())?;
        self.plugin(name, &bytes, Origin::File, source).await
    }

    /// The one that there was.
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
            let terms = |source: &PluginSource| (source.limits.clone(), source.grants.clone());
            plugin.name == name && plugin.digest() == digest && plugin.source.as_ref().map(terms) == Some(terms(source))
        };
        let decided = self.ledger.decided(name).cloned();
        match self.before.iter().find(is_same) {
            Some(unchanged) if unchanged.origin == origin => return Ok(unchanged.clone()),
            Some(moved) => return Ok(Arc::new(Plugin { origin, decided, ..Plugin::clone(moved) })),
            None => {}
        }
        let (component, world) = load(self.sandbox, name, source, bytes).await?;
        if origin == Origin::File
            && let Err(error) = self.kept.keep(digest, bytes)
        {
            tracing::warn!(plugin = name, sha256 = %digest, error = chain(&error), "the plugin's bytes cannot be kept, it will not be there to go back to");
        }
        let (name, generation) = (name.to_owned(), self.next_generation(name));
        Ok(Arc::new(Plugin { name, component, origin, generation, decided, world, source: Some(source.clone()) }))
    }

    fn next_generation(&mut self, name: &str) -> u64 {
        let generation = self.generations.entry(name.to_owned()).or_default();
        *generation += 1;
        *generation
    }
}

impl Plugin {
    /// Another version of this backend, under the same terms. Compiling takes long: call it where blocking is allowed.
    ///
    /// # Errors
    /// In words for the operator.
    pub async fn other_version(&self, sandbox: Arc<Sandbox>, bytes: Vec<u8>) -> Result<Arc<Backend>, String> {
        let source = self.source.as_ref().ok_or("its plugin is one that comes with scanhost now")?;
        // Whichever version is pinned: this one was permitted when the scan began.
        let source = PluginSource { sha256: None, ..source.clone() };
        match load(&sandbox, &self.name, &source, &bytes).await? {
            (Component::Backend(backend), _) => Ok(backend),
            (Component::Profile(_), _) => Err("it is a profile".to_owned()),
        }
    }
}

/// What is to be in use in the place of a file with this digest. A pin is the operator's last word: where it names another
/// version than the one gone back to, it counts.
pub(super) fn instead_of<'a>(
    ledger: &'a Ledger,
    name: &str,
    source: &PluginSource,
    file: Digest,
) -> Option<&'a WentBack> {
    let pinned = source.sha256.map(|pinned| Digest::from(pinned).to_string());
    let back = ledger.went_back(name, &file.to_string());
    back.filter(|back| pinned.as_ref().is_none_or(|pinned| *pinned == back.to))
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
