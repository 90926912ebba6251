//! All that a configuration loads to: plugins, scanners with their clients, profiles. Built whole or not at all.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use scanhost_domain::{
    group::Grouping,
    ids::{BackendName, PoolName, ProfileName, ScannerId},
    scan::{PluginVersion, Slot},
    schedule::Balance,
};
use scanhost_sandbox::{Backend, Grants, Limits, Plugin, Profile, ProfileDescription, Sandbox};

use crate::{
    config::{self, Config, PluginSource},
    egress::ScannerClient,
    plugin_file,
    results::check_standing,
    store::{Offer, PoolOffer},
};

/// The plugins inside this program.
const MOCK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mock.wasm"));
const NESSUS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nessus.wasm"));
const PROFILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/profile.wasm"));
const TRIAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/triage.wasm"));

/// The profile that is a component of its own.
const TRIAGE_NAME: &str = "triage";

/// What is in use at one time.
pub struct Snapshot {
    pub config: Config,
    pub backends: BTreeMap<BackendName, Arc<Backend>>,
    pub scanners: Vec<LoadedScanner>,
    /// In the order of the configuration.
    pub profiles: Vec<LoadedProfile>,
    pub generation: u64,
}

/// A configured scanner, ready to be talked to.
pub struct LoadedScanner {
    pub id: ScannerId,
    pub backend: Arc<Backend>,
    pub client: Arc<ScannerClient>,
    pub config: config::Scanner,
}

/// A profile under its definition.
pub struct LoadedProfile {
    pub name: ProfileName,
    pub component: Arc<Profile>,
    /// A JSON object.
    pub definition: String,
    pub description: ProfileDescription,
    /// Standing filters, as JSON text.
    pub filters: String,
    pub grouping: Option<Grouping>,
}

/// Something that keeps a snapshot from being built, with its place in the configuration.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Unusable {
    pub place: String,
    pub problem: String,
}

impl Snapshot {
    /// Loads every plugin and checks every scanner and profile against them.
    ///
    /// # Errors
    /// Every problem there is.
    pub async fn build(sandbox: &Arc<Sandbox>, config: Config, generation: u64) -> Result<Self, Vec<Unusable>> {
        let mut problems = Vec::new();
        let mut plugins = Plugins::built_in(sandbox).await;
        for (name, source) in &config.plugins {
            if let Err(problem) = plugins.add(sandbox, name, source).await {
                problems.push(Unusable { place: format!("scanhost.yaml: plugins.{name}"), problem });
            }
        }
        let scanners = load_scanners(&config, &plugins.backends, &mut problems);
        let profiles = load_profiles(&config, &plugins, &mut problems).await;
        if problems.is_empty() {
            Ok(Self { config, backends: plugins.backends, scanners, profiles, generation })
        } else {
            Err(problems)
        }
    }

    pub fn pool(&self, name: &PoolName) -> Option<&config::Pool> {
        self.config.pools.iter().find(|pool| pool.name == *name)
    }

    pub fn profile(&self, name: &ProfileName) -> Option<&LoadedProfile> {
        self.profiles.iter().find(|profile| profile.name == *name)
    }

    pub fn scanner(&self, id: &ScannerId) -> Option<&LoadedScanner> {
        self.scanners.iter().find(|scanner| scanner.id == *id)
    }

    /// The enabled scanners that `takes_scans` says yes to, pool by pool.
    pub fn offers(&self, takes_scans: impl Fn(&ScannerId) -> bool) -> Vec<PoolOffer> {
        let offer = |pool: &config::Pool| {
            let in_pool = self.scanners.iter().filter(|scanner| scanner.id.pool == pool.name && scanner.config.enabled);
            let in_pool = in_pool.filter(|scanner| takes_scans(&scanner.id));
            PoolOffer {
                pool: pool.name.clone(),
                balance: match pool.balance {
                    config::Balance::LeastLoaded => Balance::LeastLoaded,
                    config::Balance::RoundRobin => Balance::RoundRobin,
                },
                scanners: in_pool.map(LoadedScanner::offer).collect(),
            }
        };
        self.config.pools.iter().map(offer).collect()
    }
}

impl LoadedScanner {
    fn offer(&self) -> Offer {
        let slot = Slot {
            scanner: self.id.clone(),
            backend: self.backend.description().name.clone(),
            plugin: PluginVersion {
                version: self.backend.description().version.clone(),
                digest: self.backend.digest().to_string(),
            },
        };
        Offer { slot, max_concurrent_scans: self.config.max_concurrent_scans }
    }
}

struct Plugins {
    backends: BTreeMap<BackendName, Arc<Backend>>,
    profiles: BTreeMap<String, Arc<Profile>>,
    standard_profile: Arc<Profile>,
    triage: Arc<Profile>,
}

impl Plugins {
    async fn built_in(sandbox: &Arc<Sandbox>) -> Self {
        let mut backends = BTreeMap::new();
        for bytes in [MOCK, NESSUS] {
            let backend = Backend::load(sandbox.clone(), bytes.to_vec(), Limits::default(), Grants::ALL).await;
            let backend = Arc::new(backend.expect("the plugins inside this program fit it"));
            backends.insert(backend.description().name.clone(), backend);
        }
        let profile = Profile::load(sandbox.clone(), PROFILE, Limits::default());
        let standard_profile = Arc::new(profile.expect("the plugins inside this program fit it"));
        let triage = Profile::load(sandbox.clone(), TRIAGE, Limits::default());
        let triage = Arc::new(triage.expect("the plugins inside this program fit it").named(TRIAGE_NAME.to_owned()));
        Self { backends, profiles: BTreeMap::new(), standard_profile, triage }
    }

    async fn add(&mut self, sandbox: &Arc<Sandbox>, name: &str, source: &PluginSource) -> Result<(), String> {
        let bytes = plugin_file::read(&source.file)?;
        let loaded = plugin_file::load_configured(sandbox, name, source, &bytes).await;
        let (_, plugin) = loaded.map_err(|refused| refused.to_string())?;
        match plugin {
            Plugin::Backend(backend) => {
                self.backends.insert(backend.description().name.clone(), Arc::from(backend));
            }
            Plugin::Profile(profile) => {
                self.profiles.insert(name.to_owned(), Arc::new(profile.named(name.to_owned())));
            }
        }
        Ok(())
    }
}

fn load_scanners(
    config: &Config,
    backends: &BTreeMap<BackendName, Arc<Backend>>,
    problems: &mut Vec<Unusable>,
) -> Vec<LoadedScanner> {
    let mut loaded = Vec::new();
    for pool in &config.pools {
        for scanner in &pool.scanners {
            let place = || format!("scanners.yaml: {}.{}", pool.name, scanner.instance_id);
            let Some(backend) = backends.get(&scanner.backend) else {
                let names: Vec<_> = backends.keys().map(BackendName::as_str).collect();
                let problem = format!("there is no backend `{}`: there are {}", scanner.backend, names.join(", "));
                problems.push(Unusable { place: place(), problem });
                continue;
            };
            match ScannerClient::new(scanner, backend.description()) {
                Ok(client) => loaded.push(LoadedScanner {
                    id: ScannerId { pool: pool.name.clone(), instance: scanner.instance_id.clone() },
                    backend: backend.clone(),
                    client: Arc::new(client),
                    config: scanner.clone(),
                }),
                Err(error) => problems.push(Unusable { place: place(), problem: crate::telemetry::chain(&error) }),
            }
        }
    }
    loaded
}

async fn load_profiles(config: &Config, plugins: &Plugins, problems: &mut Vec<Unusable>) -> Vec<LoadedProfile> {
    let component =
        |name: &ProfileName| plugins.profiles.get(name.as_str()).unwrap_or(&plugins.standard_profile).clone();
    let defined = config
        .profiles
        .iter()
        .map(|profile| (profile.name.clone(), component(&profile.name), profile.definition.clone()));
    let mut definitions: Vec<(ProfileName, Arc<Profile>, String)> = defined.collect();
    // What the operator defines or brings takes the place of what comes with this program.
    let own = plugins.profiles.iter().map(|(name, component)| (name.as_str(), component));
    for (name, component) in own.chain([(TRIAGE_NAME, &plugins.triage)]) {
        if let Ok(name) = name.parse::<ProfileName>()
            && !definitions.iter().any(|(defined, ..)| *defined == name)
        {
            definitions.push((name, component.clone(), "{}".to_owned()));
        }
    }
    let mut loaded = Vec::new();
    for (name, component, definition) in definitions {
        match LoadedProfile::load(name.clone(), definition, component).await {
            Ok(profile) => loaded.push(profile),
            Err(problem) => problems.push(Unusable { place: format!("profiles.yaml: {name}"), problem }),
        }
    }
    loaded
}

impl LoadedProfile {
    /// Asks the component what it is under this definition, and checks the answer.
    ///
    /// # Errors
    /// In words for the operator.
    pub async fn load(name: ProfileName, definition: String, component: Arc<Profile>) -> Result<Self, String> {
        let description = component.describe(&definition).await.map_err(|fault| fault.to_string())??;
        let plan = component.plan(&definition, std::iter::empty()).await.map_err(|fault| fault.to_string())??;
        check_standing(&plan.filters)?;
        let (filters, grouping) = (plan.filters, plan.group);
        Ok(Self { name, component, definition, description, filters, grouping })
    }
}

/// How soon a running scan is looked at again: often while it is young, since small scans end soon, and never more
/// rarely than configured.
pub fn poll_interval(elapsed: Duration, longest: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(250);
    (elapsed / 10).clamp(SHORTEST.min(longest), longest)
}
