//! Builds a snapshot. Compiled plugins and scanners' clients with their sessions are reused if they have not changed
//! since the last snapshot.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

use scanhost_config::{self as config, Config, Position, Problem};
use scanhost_domain::{
    error_chain::chain,
    ids::{ProfileName, ScannerId},
};
use scanhost_outbound::egress::ScannerClient;
use scanhost_sandbox::{Backend, Profile, Sandbox};

use super::{Counters, LoadedProfile, LoadedScanner, Snapshot};
use crate::{
    plugins::{Loader, Origin, Plugin, PluginArchive, STANDARD_PROFILE},
    snapshot::local_check::{Unfit, check_local},
};

const SERVER_FILE: &str = "scanhost.yaml";
const SCANNERS_FILE: &str = "scanners.yaml";

/// The configuration from which a snapshot is built.
pub struct BuildInput {
    pub config: Config,
    /// If present, only this plugin is loaded again, and all others stay as they are.
    pub only: Option<String>,
}

impl From<Config> for BuildInput {
    fn from(config: Config) -> Self {
        Self { config, only: None }
    }
}

/// Loads every plugin, and checks every scanner and profile against them. This runs on a blocking thread.
///
/// # Errors
/// All problems of the configuration.
pub async fn build(
    sandbox: &Arc<Sandbox>,
    archive: &PluginArchive,
    input: BuildInput,
    before: Option<Arc<Snapshot>>,
) -> Result<Snapshot, Vec<Problem>> {
    let (snapshot, problems) = build_loadable(sandbox, archive, input, before).await?;
    if problems.is_empty() { Ok(snapshot) } else { Err(problems) }
}

/// Builds a snapshot of everything that loads, and returns it with the problems of the rest. It is for administration,
/// where no scans run.
///
/// # Errors
/// Nothing can be loaded at all.
pub async fn build_loadable(
    sandbox: &Arc<Sandbox>,
    archive: &PluginArchive,
    input: BuildInput,
    before: Option<Arc<Snapshot>>,
) -> Result<(Snapshot, Vec<Problem>), Vec<Problem>> {
    let (sandbox, archive, runtime) = (sandbox.clone(), archive.clone(), tokio::runtime::Handle::current());
    let building = move || runtime.block_on(Building::new(input, before.as_deref()).all(&sandbox, &archive));
    tokio::task::spawn_blocking(building).await.unwrap_or_else(|_| {
        Err(vec![problem(
            "scanhost.yaml",
            None,
            "",
            "the host crashed while it loaded the configuration: report this as a bug",
        )])
    })
}

struct Building<'a> {
    config: Config,
    only: Option<String>,
    before: Option<&'a Snapshot>,
    counters: Counters,
    problems: Vec<Problem>,
    /// The plugins of the configuration that are not loaded, for reasons that were reported. What depends on them is left
    /// out without another problem.
    failed: BTreeSet<String>,
}

impl<'a> Building<'a> {
    fn new(input: BuildInput, before: Option<&'a Snapshot>) -> Self {
        let BuildInput { config, only } = input;
        let counters = before.map(|before| before.counters.clone()).unwrap_or_default();
        let failed = config.unsound_plugins().map(str::to_owned).collect();
        Self { config, only, before, counters, problems: Vec::new(), failed }
    }

    async fn all(
        mut self,
        sandbox: &Arc<Sandbox>,
        archive: &PluginArchive,
    ) -> Result<(Snapshot, Vec<Problem>), Vec<Problem>> {
        let plugins = match self.plugins(sandbox, archive).await {
            Ok(plugins) => plugins,
            Err(message) => return Err(vec![problem(SERVER_FILE, None, "plugins", message)]),
        };
        let scanners = self.scanners(&plugins).await;
        let profiles = self.profiles(&plugins).await;
        let backends = plugins.iter().filter_map(|plugin| plugin.backend());
        let backends = backends.map(|backend| (backend.description().name.clone(), backend.clone())).collect();
        let snapshot = Snapshot {
            config: self.config,
            plugins,
            backends,
            scanners,
            profiles,
            generation: self.before.map_or(1, |before| before.generation + 1),
            counters: self.counters,
        };
        Ok((snapshot, self.problems))
    }

    async fn plugins(&mut self, sandbox: &Arc<Sandbox>, archive: &PluginArchive) -> Result<Vec<Arc<Plugin>>, String> {
        let before = self.before.map(|before| before.plugins.as_slice()).unwrap_or_default();
        let mut loader = Loader::new(sandbox, archive, before, mem::take(&mut self.counters.plugins))?;
        let mut plugins = loader.built_in().await;
        for (name, source) in &self.config.plugins {
            if self.failed.contains(name) {
                continue;
            }
            let is_asked_for = self.only.as_ref().is_none_or(|only| only == name);
            let unchanged = if is_asked_for { None } else { loader.unchanged(name) };
            let loaded = match unchanged {
                Some(plugin) => Ok(plugin),
                None => loader.configured(name, source).await,
            };
            match loaded {
                Ok(plugin) => {
                    plugins.retain(|known| known.name != *name || known.kind() != plugin.kind());
                    plugins.push(plugin);
                }
                Err(message) => {
                    self.failed.insert(name.clone());
                    self.problems.push(problem(SERVER_FILE, source.place, format!("plugins.{name}"), message));
                }
            }
        }
        self.counters.plugins = loader.generations;
        Ok(plugins)
    }

    async fn scanners(&mut self, plugins: &[Arc<Plugin>]) -> Vec<LoadedScanner> {
        let configured =
            self.config.pools.iter().flat_map(|pool| pool.scanners.iter().map(|scanner| (&pool.name, scanner)));
        let configured: Vec<_> = configured.map(|(pool, scanner)| (pool.clone(), scanner.clone())).collect();
        let mut loaded = Vec::new();
        for (pool, scanner) in configured {
            let id = ScannerId { pool, instance: scanner.instance_id.clone() };
            let (place, key) = (scanner.place, format!("{}.{}", id.pool, id.instance));
            // A built-in plugin of the same name does not stand in for one that is not loaded.
            if self.failed.contains(scanner.backend.as_str()) {
                continue;
            }
            let named = plugins.iter().filter_map(|plugin| plugin.backend());
            let Some(backend) = named.clone().find(|backend| backend.description().name == scanner.backend) else {
                let name = scanner.backend.as_str();
                let is_loaded = plugins.iter().any(|plugin| plugin.name == name);
                if is_loaded || !self.config.may_have_plugin(name) {
                    let names: Vec<_> = named.map(|backend| backend.description().name.as_str()).collect();
                    let what = if is_loaded { "is a profile and no backend" } else { "does not exist" };
                    let message = format!("`{name}` {what}: use one of the backends {}", names.join(", "));
                    self.problems.push(problem(SCANNERS_FILE, place, key, message));
                }
                continue;
            };
            // A stand-in for what cannot be read is not checked.
            if !self.config.is_sound_scanner(&scanner) {
                continue;
            }
            match self.scanner(id, scanner, backend).await {
                Ok(scanner) => loaded.push(scanner),
                Err(message) => self.problems.push(problem(SCANNERS_FILE, place, key, message)),
            }
        }
        loaded
    }

    async fn scanner(
        &self,
        id: ScannerId,
        config: config::Scanner,
        backend: &Arc<Backend>,
    ) -> Result<LoadedScanner, String> {
        let before = self.before.and_then(|before| before.scanner(&id));
        let has_same_client = |before: &&LoadedScanner| {
            before.config.is_reached_like(&config) && before.backend.description().auth == backend.description().auth
        };
        let client = match before.filter(has_same_client) {
            Some(before) => before.client.clone(),
            None => Arc::new(ScannerClient::new(&config, backend.description()).map_err(|error| chain(&error))?),
        };
        let commands = self.config.commands_of(&config.backend);
        let is_checked = before.is_some_and(|before| {
            Arc::ptr_eq(&before.backend, backend)
                && before.config.url == config.url
                && before.config.options == config.options
                && before.commands == commands
        });
        let loaded = LoadedScanner { id, backend: backend.clone(), client, config, commands };
        if !is_checked && let Err(Unfit::Mistake(problem)) = check_local(&loaded).await {
            return Err(problem);
        }
        Ok(loaded)
    }

    async fn profiles(&mut self, plugins: &[Arc<Plugin>]) -> Vec<LoadedProfile> {
        let own = plugins.iter().filter(|plugin| plugin.origin != Origin::BuiltIn);
        let own: BTreeMap<&str, &Arc<Profile>> =
            own.filter_map(|plugin| Some((plugin.name.as_str(), plugin.profile()?))).collect();
        let standard =
            plugins.iter().find(|plugin| plugin.name == STANDARD_PROFILE).and_then(|plugin| plugin.profile());
        let standard = standard.expect("the standard profile is built in");
        let mut wanted: Vec<WantedProfile> = Vec::new();
        for profile in &self.config.profiles {
            let is_of_plugin = self.failed.contains(profile.name.as_str());
            if is_of_plugin || !profile.is_sound() {
                continue;
            }
            let component = own.get(profile.name.as_str()).copied().unwrap_or(standard).clone();
            wanted.push(WantedProfile {
                name: profile.name.clone(),
                component,
                definition: profile.definition.clone(),
                file: profile.file,
                place: profile.place,
                key: profile.name.to_string(),
            });
        }
        // Profiles and plugins of the operator replace built-in ones of the same name.
        let all = plugins.iter().filter(|plugin| plugin.name != STANDARD_PROFILE);
        for (plugin, component) in all.filter_map(|plugin| Some((plugin.name.as_str(), plugin.profile()?))) {
            if let Ok(name) = plugin.parse::<ProfileName>()
                && !wanted.iter().any(|wanted| wanted.name == name)
            {
                wanted.push(WantedProfile {
                    name,
                    component: component.clone(),
                    definition: "{}".to_owned(),
                    file: SERVER_FILE,
                    place: self.config.plugins.get(plugin).and_then(|source| source.place),
                    key: format!("plugins.{plugin}"),
                });
            }
        }
        let mut loaded = Vec::new();
        for wanted in wanted {
            match self.profile(&wanted).await {
                Ok(profile) => loaded.push(profile),
                Err(message) => self.problems.push(problem(wanted.file, wanted.place, wanted.key, message)),
            }
        }
        loaded
    }

    async fn profile(&mut self, wanted: &WantedProfile) -> Result<LoadedProfile, String> {
        let WantedProfile { name, component, definition, .. } = wanted;
        let before = self.before.and_then(|before| before.profile(name));
        let is_same =
            |before: &&LoadedProfile| Arc::ptr_eq(&before.component, component) && before.definition == *definition;
        if let Some(unchanged) = before.filter(is_same) {
            return Ok(unchanged.clone());
        }
        let loaded = LoadedProfile::load(name.clone(), definition.clone(), component.clone()).await?;
        let counter = self.counters.profiles.entry(name.clone()).or_default();
        *counter += 1;
        Ok(LoadedProfile { generation: *counter, ..loaded })
    }
}

/// A profile that is to be loaded.
struct WantedProfile {
    name: ProfileName,
    component: Arc<Profile>,
    definition: String,
    file: &'static str,
    place: Option<Position>,
    key: String,
}

fn problem(file: &str, place: Option<Position>, key: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem { file: file.to_owned(), place, key: key.into(), message: message.into() }
}
