//! `plugin check FILE`: checks a component by the steps of loading, so the host loads exactly what passes here.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use scanhost_app::{plugin_file, snapshot::LoadedProfile};
use scanhost_config::{Config, PluginSource};
use scanhost_conformance::plugin_stderr::PrintStderr;
use scanhost_domain::ids::ProfileName;
use scanhost_sandbox::{Component, Digest, Grant, Grants, Limits, Plugin, Refused, Sandbox, World};
use serde_json::json;

use crate::cli::{compiled, listing};

#[derive(clap::Args)]
pub struct Args {
    /// The component, a .wasm file
    file: PathBuf,
    /// Folder whose scanhost.yaml has an entry for the file, with its digest, grants and limits. Without it the file gets
    /// all grants that it requests
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
}

/// A component that passed the check.
struct Passed {
    kind: &'static str,
    world: World,
    name: Option<String>,
    version: String,
    grants: Vec<&'static str>,
}

pub async fn run(args: Args, as_json: bool) -> anyhow::Result<()> {
    let bytes = plugin_file::read(&args.file).map_err(anyhow::Error::msg)?;
    let entry = args.config.as_deref().map(|folder| entry(folder, &args.file)).transpose()?;
    let shown = args.file.display().to_string();
    match check(entry, &args.file, &bytes).await? {
        Ok(passed) => {
            let digest = Digest::of(&bytes).to_string();
            let answer = json!({
                "ok": true, "file": shown, "kind": passed.kind, "world": passed.world.id(), "name": passed.name,
                "version": passed.version, "sha256": digest, "grants": passed.grants,
            });
            listing::one(as_json, &answer, || sentence(&passed, &args.file, &digest))
        }
        Err(refused) => {
            if as_json {
                let error = json!({ "message": refused.reason, "hint": refused.hint });
                listing::json(&json!({ "ok": false, "file": shown, "error": error }))?;
            }
            bail!("{shown}: {refused}")
        }
    }
}

/// The entry of the configuration whose file this is.
fn entry(folder: &Path, file: &Path) -> anyhow::Result<(String, PluginSource)> {
    let environment = |name: &str| std::env::var(name).ok();
    let config = Config::load(Some(folder), &environment).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let wanted = file.canonicalize().with_context(|| format!("cannot find {}", file.display()))?;
    let mut entries = config.plugins.into_iter();
    let found = entries.find(|(_, source)| source.file.canonicalize().is_ok_and(|path| path == wanted));
    found.with_context(|| {
        format!(
            "no entry under `plugins` in {} has the file {}",
            folder.join("scanhost.yaml").display(),
            file.display()
        )
    })
}

async fn check(
    entry: Option<(String, PluginSource)>,
    file: &Path,
    bytes: &[u8],
) -> anyhow::Result<Result<Passed, Refused>> {
    let sandbox = Sandbox::start_observed(compiled::folder(), Arc::new(PrintStderr))?;
    Ok(load(&sandbox, entry, file, bytes).await)
}

async fn load(
    sandbox: &Arc<Sandbox>,
    entry: Option<(String, PluginSource)>,
    file: &Path,
    bytes: &[u8],
) -> Result<Passed, Refused> {
    let (component, plugin) = match &entry {
        Some((name, source)) => plugin_file::load_configured(sandbox, name, source, bytes).await?,
        None => {
            let component = Component::compile(sandbox.clone(), bytes)?;
            let grants = component.requests().into_iter().fold(Grants::default(), Grants::with);
            let plugin = Plugin::load(&component, Limits::default(), grants).await?;
            (component, plugin)
        }
    };
    let (world, requests) = (component.world()?, component.requests());
    let grants = requests.into_iter().map(Grant::name).collect();
    let kind = world.kind.name();
    match plugin {
        Plugin::Backend(backend) => {
            let description = backend.description();
            let (name, version) = (Some(description.name.to_string()), description.version.clone());
            Ok(Passed { kind, world, name, version, grants })
        }
        Plugin::Profile(profile) => {
            // A profile gets its name from its entry. Without an entry any name will do.
            let name = entry.map(|(name, _)| name).or_else(|| name_of(file));
            let name = name.and_then(|name| name.parse::<ProfileName>().ok());
            let any = || "profile".parse().expect("it has the form of a name");
            let loaded = LoadedProfile::load(name.clone().unwrap_or_else(any), "{}".into(), Arc::from(profile)).await;
            let loaded = loaded.map_err(|reason| Refused { reason, hint: None })?;
            Ok(Passed {
                kind,
                world,
                name: name.map(|name| name.to_string()),
                version: loaded.description.version,
                grants,
            })
        }
    }
}

fn name_of(file: &Path) -> Option<String> {
    Some(file.file_stem()?.to_str()?.to_ascii_lowercase())
}

/// Says what the component is, and shows the entry that loads it.
fn sentence(passed: &Passed, file: &Path, digest: &str) -> String {
    let name = passed.name.as_deref().unwrap_or("NAME");
    let file = file.file_name().unwrap_or_default().to_string_lossy();
    let clocks = if passed.grants.contains(&"std-stubs") {
        "  # its clocks do not advance; use `context.now-ms` for the time"
    } else {
        ""
    };
    let grants =
        if passed.grants.is_empty() { String::new() } else { format!("\n    grants: [{}]", passed.grants.join(", ")) };
    format!(
        "ok: {name} {} is a {} of {}\n\nTo load it, put it beside scanhost.yaml and add this to that file:\n\nplugins:\n  {name}:\n    file: {file}{grants}{clocks}\n    # sha256: {digest} pins this file: a new version needs a change here, and there is no rollback",
        passed.version, passed.kind, passed.world,
    )
}
