//! Pools: the scanners of scanners.yaml, with what scanhost.yaml says about each pool.

use std::collections::BTreeSet;

use scanhost_domain::{ids::PoolName, target::TargetPolicy};

use super::{fields::Fields, scanner::Scanner, setting::Setting, target};

#[derive(Clone, Debug)]
pub struct Pool {
    pub name: PoolName,
    pub policy: TargetPolicy,
    /// How many scans may wait.
    pub max_depth: u64,
    pub balance: Balance,
    /// The scanners in the order of the file.
    pub scanners: Vec<Scanner>,
}

/// Which scanner of a pool takes the next scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    LeastLoaded,
    RoundRobin,
}

/// The pools in the order of the file.
pub(super) struct Pools {
    pub(super) pools: Vec<Pool>,
    /// Whether each pool of the file is among them. Otherwise a name that is not may belong to one of the others.
    pub(super) are_complete: bool,
}

/// Reads the pools of scanners.yaml, which is `None` if the file cannot be read. `settings` is the section `pools` of
/// scanhost.yaml.
pub(super) fn read_all(scanners: Option<&Setting<'_>>, mut settings: Fields<'_>) -> Pools {
    let named = scanners.and_then(|scanners| scanners.named::<PoolName>()).unwrap_or_default();
    if let Some(scanners) = scanners
        && scanners.keys().is_some_and(|names| names.is_empty())
    {
        scanners.report("defines no pool of scanners");
    }
    let are_complete = !named.is_empty() && named.iter().all(|(name, _)| name.is_some());
    let mut pools = Vec::new();
    for (name, list) in named {
        match name {
            Some(name) => {
                let fields = settings.section(name.as_str());
                pools.push(read(name, &list, fields));
            }
            // The scanners are read only for their problems.
            None => drop(read_scanners(&stand_in_name(), &list)),
        }
    }
    if are_complete {
        settings.finish();
    } else {
        // These are not reported as unknown pools, but their settings can be checked.
        settings.unknown().for_each(|(_, pool)| drop(read_settings(pool.fields())));
    }
    Pools { pools, are_complete }
}

/// The name that stands for one that cannot be read. It is used only in a configuration with problems.
pub(super) fn stand_in_name() -> PoolName {
    "pool".parse().expect("it is a valid name")
}

fn read(name: PoolName, list: &Setting<'_>, fields: Fields<'_>) -> Pool {
    let scanners = read_scanners(&name, list);
    let (policy, max_depth, balance) = read_settings(fields);
    Pool { name, policy, max_depth, balance, scanners }
}

fn read_scanners(pool: &PoolName, list: &Setting<'_>) -> Vec<Scanner> {
    let mut taken = BTreeSet::new();
    let scanners = list.list_of(|scanner| Scanner::read(&scanner, pool, &mut taken)).unwrap_or_default();
    if list.is_empty_list() {
        list.warn("the pool has no scanner, so every scan in it is refused: add a scanner, or remove the pool");
    } else if !list.has_problem() && scanners.iter().all(|scanner| !scanner.enabled) {
        list.warn(
            "every scanner of the pool is disabled, so every scan in it is refused: enable one, or remove the pool",
        );
    }
    scanners
}

fn read_settings(mut fields: Fields<'_>) -> (TargetPolicy, u64, Balance) {
    let policy = target::policy(&mut fields);
    let max_depth = fields.or("max_depth", 100_000, |setting| setting.whole(1..=10_000_000));
    let balance = fields.or("balance", Balance::LeastLoaded, |setting| balance(&setting));
    fields.finish();
    (policy, max_depth, balance)
}

fn balance(setting: &Setting<'_>) -> Option<Balance> {
    match setting.text()? {
        "least-loaded" => Some(Balance::LeastLoaded),
        "round-robin" => Some(Balance::RoundRobin),
        _ => {
            setting.report("must be `least-loaded` or `round-robin`");
            None
        }
    }
}
