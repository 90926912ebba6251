//! A plugin's file on its way into the host: read once, and these bytes are checked, compiled and loaded.

use std::{fs, path::Path, sync::Arc};

use scanhost_config::{PluginLimits, PluginSource};
use scanhost_sandbox::{Component, Digest, Grant, Grants, Limits, Plugin, Refused, Sandbox, list_grants};

/// A component larger than this is not read.
const MAX_COMPONENT: u64 = 64 << 20;

/// Reads the file, unless it is too large.
pub fn read(file: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let metadata = fs::metadata(file).map_err(failed)?;
    if metadata.len() > MAX_COMPONENT {
        return Err(format!("{} has {} bytes, more than {MAX_COMPONENT}", file.display(), metadata.len()));
    }
    if !metadata.is_file() {
        return Err(format!("{} is not a file", file.display()));
    }
    fs::read(file).map_err(failed)
}

/// Loads the plugin of this name as its entry in the configuration says.
pub async fn load_configured(
    sandbox: &Arc<Sandbox>,
    name: &str,
    source: &PluginSource,
    bytes: &[u8],
) -> Result<(Component, Plugin), Refused> {
    permit_digest(source, Digest::of(bytes))?;
    let grants = grants(source.grants.iter().map(String::as_str)).map_err(Refused::because)?;
    let component = Component::compile(sandbox.clone(), bytes)?;
    let plugin = Plugin::load(&component, limits(&source.limits), grants).await?;
    match &plugin {
        Plugin::Backend(backend) if backend.description().name.as_str() != name => {
            let found = &backend.description().name;
            Err(Refused::because(format!("it describes itself as `{found}`: use that name here")))
        }
        Plugin::Backend(_) | Plugin::Profile(_) => Ok((component, plugin)),
    }
}

/// Whether the bytes are the ones that the configuration wants, where it says which.
pub fn permit_digest(source: &PluginSource, found: Digest) -> Result<(), Refused> {
    match source.sha256.map(Digest::from) {
        Some(wanted) if wanted != found => {
            Err(Refused::because(format!("the file's sha256 is {found}, the configuration expects {wanted}")))
        }
        _ => Ok(()),
    }
}

/// Parses the grants of the operator. The error lists the known grants.
fn grants<'a>(names: impl Iterator<Item = &'a str>) -> Result<Grants, String> {
    let mut grants = Grants::default();
    for name in names {
        let grant = Grant::ALL.into_iter().find(|grant| grant.name() == name);
        let grant =
            grant.ok_or_else(|| format!("there is no grant {name:?}: grants are {}", list_grants(&Grant::ALL)))?;
        grants = grants.with(grant);
    }
    Ok(grants)
}

fn limits(limits: &PluginLimits) -> Limits {
    Limits {
        cpu: limits.cpu,
        wall: limits.wall,
        memory: usize::try_from(limits.memory_mib).unwrap_or(usize::MAX >> 20) << 20,
    }
}
