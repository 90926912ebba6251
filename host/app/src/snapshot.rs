//! The snapshot is everything that one configuration loads to: plugins, scanners with their clients, and profiles.

mod build;
pub mod local_check;
pub mod named;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use scanhost_config::{self as config, Config};
use scanhost_domain::{
    field::Columns,
    group::Grouping,
    ids::{BackendName, PoolName, ProfileName, ScannerId},
    request::ScanType,
    scan::{PluginVersion, Slot},
    schedule::Balance,
};
use scanhost_outbound::egress::ScannerClient;
use scanhost_results::check_standing_filters;
use scanhost_sandbox::{Backend, Plan, Profile, ProfileDescription, Selection};
use scanhost_store::{Offer, PoolOffer};

pub use build::{BuildInput, build, build_loadable};

use crate::plugins::{Component, Plugin};

/// Everything that one configuration loaded to.
pub struct Snapshot {
    pub config: Config,
    /// The current generation of each plugin. Built-in plugins come first.
    pub plugins: Vec<Arc<Plugin>>,
    pub backends: BTreeMap<BackendName, Arc<Backend>>,
    pub scanners: Vec<LoadedScanner>,
    /// In the order of the configuration.
    pub profiles: Vec<LoadedProfile>,
    /// Counts the configurations that were taken into use, from 1.
    pub generation: u64,
    counters: Counters,
}

/// The last generation of each name, so that no number is used twice.
#[derive(Clone, Default)]
struct Counters {
    plugins: BTreeMap<String, u64>,
    profiles: BTreeMap<ProfileName, u64>,
}

/// A configured scanner with its backend and its client.
pub struct LoadedScanner {
    pub id: ScannerId,
    pub backend: Arc<Backend>,
    pub client: Arc<ScannerClient>,
    pub config: config::Scanner,
    /// The programs that its backend may run.
    pub commands: BTreeMap<String, Arc<config::Command>>,
}

/// A profile: a component together with the definition that it is used with.
#[derive(Clone)]
pub struct LoadedProfile {
    pub name: ProfileName,
    pub component: Arc<Profile>,
    /// A JSON object.
    pub definition: String,
    pub description: ProfileDescription,
    /// Standing filters, as JSON text.
    pub filters: String,
    /// The fields of findings that it shows. Empty if it shows all fields or groups of findings.
    pub fields: Vec<String>,
    /// The fields by which it sorts findings.
    pub order: Vec<String>,
    pub grouping: Option<Grouping>,
    /// Counts the versions of the component or its definition that this process has loaded, from 1.
    pub generation: u64,
}

impl Snapshot {
    /// Returns the version that a plugin states: a backend in its description, a profile in the description of the
    /// first definition that it is used with. A profile without a usable definition has none.
    pub fn version<'a>(&'a self, plugin: &'a Plugin) -> Option<&'a str> {
        match &plugin.component {
            Component::Backend(backend) => Some(&backend.description().version),
            Component::Profile(component) => {
                let user = self.profiles.iter().find(|profile| profile.component.digest() == component.digest());
                user.map(|profile| profile.description.version.as_str())
            }
        }
    }

    /// Returns the fields that are known before there is a report: the standard fields and those that backends declare.
    pub fn known_fields(&self) -> Columns {
        let declared = self.backends.values().flat_map(|backend| &backend.description().fields);
        Columns::new(declared.map(|(name, field_type, _)| (name.clone(), *field_type)))
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

    /// Returns the enabled scanners that `takes_scans` accepts, grouped by pool.
    pub fn offers(&self, takes_scans: impl Fn(&LoadedScanner) -> bool) -> Vec<PoolOffer> {
        let offer = |pool: &config::Pool| {
            let in_pool = self.scanners.iter().filter(|scanner| scanner.id.pool == pool.name && scanner.config.enabled);
            let in_pool = in_pool.filter(|scanner| takes_scans(scanner));
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

impl LoadedProfile {
    /// Asks the component for its description and its plan with this definition, and checks the answers.
    ///
    /// # Errors
    /// A message for the operator.
    pub async fn load(name: ProfileName, definition: String, component: Arc<Profile>) -> Result<Self, String> {
        let description = component.describe(&definition).await.map_err(|fault| fault.to_string())??;
        let plan = component.plan(&definition, std::iter::empty()).await.map_err(|fault| fault.to_string())??;
        check_standing_filters(&plan.filters, &Columns::default())?;
        let Plan { fields, filters, group: grouping, order } = plan;
        // The fields of groups are defined by the profile itself, and were checked already.
        let (fields, order) = match (&grouping, fields) {
            (Some(_), _) => (Vec::new(), Vec::new()),
            (None, Selection::All) => (Vec::new(), order),
            (None, Selection::Some(fields)) => (fields, order),
        };
        let order = order.into_iter().map(|(field, _)| field).collect();
        Ok(Self { name, component, definition, description, filters, fields, order, grouping, generation: 1 })
    }
}

impl LoadedScanner {
    /// Returns whether it takes scans of this type: the configuration decides, or else the description of its backend.
    pub fn takes(&self, scan_type: ScanType) -> bool {
        let types = self.config.scan_types.as_ref().unwrap_or(&self.backend.description().scan_types);
        types.contains(&scan_type)
    }

    fn offer(&self) -> Offer {
        Offer { slot: self.slot(), max_concurrent_scans: self.config.max_concurrent_scans }
    }

    /// Returns what is stored about a scan that runs on it.
    pub fn slot(&self) -> Slot {
        Slot {
            scanner: self.id.clone(),
            backend: self.backend.description().name.clone(),
            plugin: self.plugin_version(),
        }
    }

    /// Returns the version and digest of its backend.
    pub fn plugin_version(&self) -> PluginVersion {
        PluginVersion { version: self.backend.description().version.clone(), digest: self.backend.digest().to_string() }
    }
}

/// Returns the time until the next poll of a running scan. A young scan is polled often, since small scans end soon.
/// The interval grows with the scan's age up to the configured one.
pub fn poll_interval(elapsed: Duration, longest: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(250);
    (elapsed / 10).clamp(SHORTEST.min(longest), longest)
}
