//! Reads, checks and loads the file of a plugin. The file is read only once, so that the bytes that are loaded are the
//! ones that were checked.

use std::{fs, path::Path, sync::Arc};

use scanhost_config::{PluginLimits, PluginSource};
use scanhost_sandbox::{Component, Digest, Grant, Grants, Limits, Plugin, Refused, Sandbox, list_grants};

/// A component larger than this is not read.
const MAX_COMPONENT: u64 = 64 << 20;

/// Reads a plugin's file. It refuses a file that is too large.
pub fn read(file: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let metadata = fs::metadata(file).map_err(failed)?;
    if metadata.len() > MAX_COMPONENT {
        return Err(format!(
            "{} has {} bytes, but a plugin may have at most {MAX_COMPONENT}",
            file.display(),
            metadata.len()
        ));
    }
    if !metadata.is_file() {
        return Err(format!("{} is not a file", file.display()));
    }
    fs::read(file).map_err(failed)
}

/// Loads the plugin of this name with the grants and limits of its entry in the configuration.
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

/// Checks the digest against the one that the configuration pins, if it pins one.
pub fn permit_digest(source: &PluginSource, found: Digest) -> Result<(), Refused> {
    match source.sha256.map(Digest::from) {
        Some(wanted) if wanted != found => {
            Err(Refused::because(format!("the file's sha256 is {found}, but the configuration expects {wanted}")))
        }
        _ => Ok(()),
    }
}

/// Parses the names of grants. The error lists the known grants.
fn grants<'a>(names: impl Iterator<Item = &'a str>) -> Result<Grants, String> {
    let mut grants = Grants::default();
    for name in names {
        let grant = Grant::ALL.into_iter().find(|grant| grant.name() == name);
        let grant =
            grant.ok_or_else(|| format!("there is no grant {name:?}: the grants are {}", list_grants(&Grant::ALL)))?;
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
