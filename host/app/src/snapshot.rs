//! All that a configuration loads to: plugins, scanners with their clients, profiles. Built whole or not at all.

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

pub use build::{Wanted, build, build_what_loads};

use crate::plugins::{Component, Plugin};

/// What is in use at one time.
pub struct Snapshot {
    pub config: Config,
    /// The present generation of each, those inside this program first.
    pub plugins: Vec<Arc<Plugin>>,
    pub backends: BTreeMap<BackendName, Arc<Backend>>,
    pub scanners: Vec<LoadedScanner>,
    /// In the order of the configuration.
    pub profiles: Vec<LoadedProfile>,
    /// Counts the configurations that were taken into use, from 1.
    pub generation: u64,
    counters: Counters,
}

/// The last generation that each name has had, so that a number is never given twice.
#[derive(Clone, Default)]
struct Counters {
    plugins: BTreeMap<String, u64>,
    profiles: BTreeMap<ProfileName, u64>,
}

/// A configured scanner, ready to be talked to.
pub struct LoadedScanner {
    pub id: ScannerId,
    pub backend: Arc<Backend>,
    pub client: Arc<ScannerClient>,
    pub config: config::Scanner,
    /// What its backend may run.
    pub commands: BTreeMap<String, Arc<config::Command>>,
}

/// A profile under its definition.
#[derive(Clone)]
pub struct LoadedProfile {
    pub name: ProfileName,
    pub component: Arc<Profile>,
    /// A JSON object.
    pub definition: String,
    pub description: ProfileDescription,
    /// Standing filters, as JSON text.
    pub filters: String,
    /// Fields of findings that it shows, where it names them, and that it sorts by.
    pub fields: Vec<String>,
    pub order: Vec<String>,
    pub grouping: Option<Grouping>,
    /// Counts the versions that this process has loaded, of the component or of its definition, from 1.
    pub generation: u64,
}

impl Snapshot {
    /// The version that a plugin gives itself: a backend in its description, a profile under the first definition that
    /// it is used with. None for a profile that no definition suits.
    pub fn version<'a>(&'a self, plugin: &'a Plugin) -> Option<&'a str> {
        match &plugin.component {
            Component::Backend(backend) => Some(&backend.description().version),
            Component::Profile(component) => {
                let user = self.profiles.iter().find(|profile| profile.component.digest() == component.digest());
                user.map(|profile| profile.description.version.as_str())
            }
        }
    }

    /// What is known of fields before there is a report: the standard ones, and what backends declare.
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

    /// The enabled scanners that `takes_scans` says yes to, pool by pool.
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
    /// Asks the component what it is under this definition, and checks the answer.
    ///
    /// # Errors
    /// In words for the operator.
    pub async fn load(name: ProfileName, definition: String, component: Arc<Profile>) -> Result<Self, String> {
        let description = component.describe(&definition).await.map_err(|fault| fault.to_string())??;
        let plan = component.plan(&definition, std::iter::empty()).await.map_err(|fault| fault.to_string())??;
        check_standing_filters(&plan.filters, &Columns::default())?;
        let Plan { fields, filters, group: grouping, order } = plan;
        // Those of groups are the profile's own, and were checked.
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
    /// Whether it is given scans of that type: what the operator says, else what its backend is made for.
    pub fn takes(&self, scan_type: ScanType) -> bool {
        let types = self.config.scan_types.as_ref().unwrap_or(&self.backend.description().scan_types);
        types.contains(&scan_type)
    }

    fn offer(&self) -> Offer {
        let slot = Slot {
            scanner: self.id.clone(),
            backend: self.backend.description().name.clone(),
            plugin: self.plugin_version(),
        };
        Offer { slot, max_concurrent_scans: self.config.max_concurrent_scans }
    }

    /// Exactly which version drives it.
    pub fn plugin_version(&self) -> PluginVersion {
        PluginVersion { version: self.backend.description().version.clone(), digest: self.backend.digest().to_string() }
    }
}

/// How soon a running scan is looked at again: often while it is young, since small scans end soon, and never more
/// rarely than configured.
pub fn poll_interval(elapsed: Duration, longest: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(250);
    (elapsed / 10).clamp(SHORTEST.min(longest), longest)
}
