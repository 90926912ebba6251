//! Finds the pool, scanner or profile that a request names. If it does not exist, the refusal lists the ones that do.

use scanhost_config::Pool;
use scanhost_domain::{
    ids::{InstanceId, PoolName, ProfileName},
    request::{ScanRequest, ScanType},
};

use crate::{
    refusal::{ErrorCode, Refusal},
    snapshot::Snapshot,
};

/// Returns the pool that the request goes to: the one that it names, or the default pool.
pub fn choose_pool<'a>(snapshot: &'a Snapshot, asked: Option<&str>) -> Result<&'a Pool, Refusal> {
    let name = match asked {
        None => snapshot.config.default_pool.clone(),
        Some(asked) => find_pool(snapshot, asked)?,
    };
    let pool = snapshot.pool(&name).ok_or_else(|| {
        Refusal::new(ErrorCode::NoScanner, "no pool of scanners is configured", "Ask the operator to configure one.")
    })?;
    if pool.scanners.iter().any(|scanner| scanner.enabled) {
        Ok(pool)
    } else {
        Err(Refusal::new(
            ErrorCode::NoScanner,
            format!("pool `{name}` has no enabled scanner"),
            "Use another scanner_pool (list_pools shows them), or ask the operator to enable a scanner.",
        ))
    }
}

/// Returns the pool with this name.
///
/// # Errors
/// There is no such pool. The hint lists the pools.
pub fn find_pool(snapshot: &Snapshot, asked: &str) -> Result<PoolName, Refusal> {
    let known = snapshot.config.pools.iter().find(|pool| pool.name.as_str() == asked);
    known
        .map(|pool| pool.name.clone())
        .ok_or_else(|| Refusal::invalid("there is no such scanner_pool", pools(snapshot)))
}

/// Checks that the pool of a stored request is still configured.
pub fn permit_pool(snapshot: &Snapshot, pool: &PoolName) -> Result<(), Refusal> {
    if snapshot.pool(pool).is_some() {
        return Ok(());
    }
    Err(Refusal::invalid(
        format!("the pool `{pool}` is no longer configured"),
        format!("Put it back into the configuration, or submit the scan again in another pool. {}", pools(snapshot)),
    ))
}

fn pools(snapshot: &Snapshot) -> String {
    let names: Vec<_> = snapshot.config.pools.iter().map(|pool| pool.name.as_str()).collect();
    format!("Pools are: {}.", names.join(", "))
}

/// Returns the profile with this name.
///
/// # Errors
/// There is no such profile. The hint lists the profiles.
pub fn find_profile(snapshot: &Snapshot, asked: &str) -> Result<ProfileName, Refusal> {
    let known = snapshot.profiles.iter().find(|profile| profile.name.as_str() == asked);
    known.map(|profile| profile.name.clone()).ok_or_else(|| no_such_profile(snapshot))
}

pub fn no_such_profile(snapshot: &Snapshot) -> Refusal {
    Refusal::invalid("there is no such schema_profile", profiles(snapshot))
}

/// Checks that the profile of a stored request still exists, if the request names one.
///
/// # Errors
/// The profile does not exist. The hint lists the profiles.
pub fn permit_profile(snapshot: &Snapshot, request: &ScanRequest) -> Result<(), Refusal> {
    match &request.profile {
        Some(name) if snapshot.profile(name).is_none() => Err(Refusal::invalid(
            format!("the scan was submitted with the profile `{name}`, which no longer exists"),
            format!("Use another schema_profile, or ask the operator to put it back. {}", profiles(snapshot)),
        )),
        Some(_) | None => Ok(()),
    }
}

fn profiles(snapshot: &Snapshot) -> String {
    let names: Vec<_> = snapshot.profiles.iter().map(|profile| profile.name.as_str()).collect();
    format!("Profiles are: {}.", names.join(", "))
}

/// Returns the scanner of the pool with this id, if it is enabled.
pub fn find_instance(pool: &Pool, asked: &str) -> Result<InstanceId, Refusal> {
    let known = pool.scanners.iter().find(|scanner| scanner.instance_id.as_str() == asked);
    let names = || {
        let enabled = pool.scanners.iter().filter(|scanner| scanner.enabled);
        enabled.map(|scanner| scanner.instance_id.as_str()).collect::<Vec<_>>().join(", ")
    };
    match known {
        None => Err(Refusal::invalid(
            format!("pool `{}` has no such scanner_instance", pool.name),
            format!("Enabled scanners of this pool are: {}.", names()),
        )),
        Some(scanner) if !scanner.enabled => Err(Refusal::new(
            ErrorCode::NoScanner,
            format!("the scanner `{}` is disabled", scanner.instance_id),
            format!("Enabled scanners of this pool are: {}.", names()),
        )),
        Some(scanner) => Ok(scanner.instance_id.clone()),
    }
}

/// Checks that a scanner that may get the request takes scans of this type.
pub fn permit_type(
    snapshot: &Snapshot,
    pool: &Pool,
    instance: Option<&InstanceId>,
    scan_type: ScanType,
) -> Result<(), Refusal> {
    let takes = |pool: &PoolName, instance: Option<&InstanceId>| {
        let mut scanners =
            snapshot.scanners.iter().filter(|scanner| scanner.id.pool == *pool && scanner.config.enabled);
        scanners.any(|scanner| instance.is_none_or(|id| scanner.id.instance == *id) && scanner.takes(scan_type))
    };
    if takes(&pool.name, instance) {
        return Ok(());
    }
    let pools = snapshot.config.pools.iter().filter(|pool| takes(&pool.name, None));
    let pools: Vec<_> = pools.map(|pool| pool.name.as_str()).collect();
    let elsewhere = if pools.is_empty() {
        String::new()
    } else {
        format!(", or a scanner_pool that takes {scan_type} scans: {}", pools.join(", "))
    };
    let message = format!("no scanner of pool `{}` that may get this scan takes {scan_type} scans", pool.name);
    Err(Refusal::invalid(message, format!("Use run_untrusted_scan{elsewhere}.")))
}
