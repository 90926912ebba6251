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

/// The pools of scanners.yaml, in the order of the file. `settings` is the section `pools` of scanhost.yaml.
pub(super) fn read_all(scanners: &Setting<'_>, mut settings: Fields<'_>) -> Option<Vec<Pool>> {
    let named = scanners.named::<PoolName>()?;
    if named.is_empty() {
        scanners.report("defines no pool of scanners");
    }
    let mut pools = Vec::new();
    for (name, list) in named {
        let fields = settings.section(name.as_str());
        pools.push(read(name, &list, fields));
    }
    settings.finish();
    Some(pools)
}

fn read(name: PoolName, list: &Setting<'_>, mut fields: Fields<'_>) -> Pool {
    let mut taken = BTreeSet::new();
    let scanners = list.list_of(|scanner| Scanner::read(&scanner, &name, &mut taken)).unwrap_or_default();
    let policy = target::policy(&mut fields);
    let max_depth = fields.or("max_depth", 100_000, |setting| setting.whole(1..=10_000_000));
    let balance = fields.or("balance", Balance::LeastLoaded, |setting| balance(&setting));
    fields.finish();
    Pool { name, policy, max_depth, balance, scanners }
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
