//! A plugin's file on its way into the host: read once, and these bytes are checked, compiled and loaded.

use std::{fmt, fs, path::Path, sync::Arc};

use scanhost_sandbox::{Component, Digest, Fault, Grant, Grants, Limits, LoadError, Plugin, Sandbox};

use crate::{
    config::{PluginLimits, PluginSource},
    telemetry::chain,
};

/// A component larger than this is not read.
const MAX_COMPONENT: u64 = 64 << 20;

/// Why a component is not loaded, and what to do about it.
#[derive(Debug)]
pub struct Refused {
    pub reason: String,
    pub hint: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, ": {hint}"))
    }
}

impl From<LoadError> for Refused {
    fn from(error: LoadError) -> Self {
        Self { reason: chain(&error), hint: Some(hint(&error)) }
    }
}

impl Refused {
    fn because(reason: String) -> Self {
        Self { reason, hint: None }
    }
}

/// # Errors
/// Of the file system, or when the file is too large.
pub fn read(file: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let metadata = fs::metadata(file).map_err(failed)?;
    if metadata.len() > MAX_COMPONENT {
        return Err(format!("{} has {} bytes, more than {MAX_COMPONENT}", file.display(), metadata.len()));
    }
    if !metadata.is_file() {
        return Err(format!("{} is no file", file.display()));
    }
    fs::read(file).map_err(failed)
}

/// Loads the plugin of this name as its entry in the configuration says.
///
/// # Errors
/// When the bytes are not the ones of the entry, or cannot be loaded with what it grants.
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
            Err(Refused::because(format!("it describes itself as `{found}`: name it so here")))
        }
        Plugin::Backend(_) | Plugin::Profile(_) => Ok((component, plugin)),
    }
}

/// Whether the bytes are the ones that the configuration wants, where it says which.
///
/// # Errors
/// With both digests.
pub fn permit_digest(source: &PluginSource, found: Digest) -> Result<(), Refused> {
    match source.sha256.map(Digest::from) {
        Some(wanted) if wanted != found => {
            Err(Refused::because(format!("the file's sha256 is {found}, the configuration wants {wanted}")))
        }
        _ => Ok(()),
    }
}

/// What the operator grants.
///
/// # Errors
/// Names what is no grant, and those that are.
fn grants<'a>(names: impl Iterator<Item = &'a str>) -> Result<Grants, String> {
    let mut grants = Grants::default();
    for name in names {
        let grant = Grant::ALL.into_iter().find(|grant| grant.name() == name);
        let grant = grant.ok_or_else(|| format!("there is no grant {name:?}: grants are {}", list(&Grant::ALL)))?;
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

/// Grants as the configuration writes them.
pub fn list(grants: &[Grant]) -> String {
    grants.iter().map(|grant| grant.name()).collect::<Vec<_>>().join(", ")
}

/// What to do about it.
fn hint(error: &LoadError) -> String {
    match error {
        LoadError::NotAComponent(_) => "build it as a component, in Rust with `cargo build --target wasm32-wasip2`; \
             `scanhost plugin new` makes a plugin that is one"
            .into(),
        LoadError::ForeignWorld { .. } => {
            "a backend exports scanhost:backend/scanner and scanhost:backend/reader, a profile \
             scanhost:profile/planner; `scanhost plugin new` makes either"
                .into()
        }
        LoadError::Version { .. } => {
            "build it against a world that this host takes, which `scanhost plugin new` writes, or use a scanhost \
             that takes its own"
                .into()
        }
        LoadError::World { .. } => "build it against the world of this host, which `scanhost plugin new` writes".into(),
        LoadError::NotGranted { requested, .. } => {
            format!("grant it with `grants: [{}]` in its entry under `plugins` in scanhost.yaml", list(requested))
        }
        LoadError::Describe(Fault::Contract(_) | Fault::Crash(_)) => "its author has to mend it".into(),
        LoadError::Describe(_) => {
            "its author has to mend it; where it only needs more, its `limits` in scanhost.yaml can be raised".into()
        }
    }
}
