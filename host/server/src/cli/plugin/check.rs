//! `plugin check FILE`: by the very steps of loading, so what passes here is loaded and what fails here is not.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use scanhost_app::{plugin_file, snapshot::LoadedProfile};
use scanhost_config::{Config, PluginSource};
use scanhost_conformance::last_words::Aloud;
use scanhost_domain::ids::ProfileName;
use scanhost_sandbox::{Component, Digest, Grant, Grants, Limits, Plugin, Refused, Sandbox, World};
use serde_json::json;

use crate::cli::{compiled, listing};

#[derive(clap::Args)]
pub struct Args {
    /// The component, a .wasm file
    file: PathBuf,
    /// Folder whose scanhost.yaml has an entry for the file: its digest, grants and limits count. Without it the file
    /// is granted all that it asks for
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
}

/// What passed.
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
                listing::one(true, &json!({ "ok": false, "file": shown, "error": error }), String::new)?;
            }
            bail!("{shown}: {refused}")
        }
    }
}

/// The plugin of the configuration that is this file.
fn entry(folder: &Path, file: &Path) -> anyhow::Result<(String, PluginSource)> {
    let environment = |name: &str| std::env::var(name).ok();
    let config = Config::load(Some(folder), &environment).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let wanted = file.canonicalize().with_context(|| format!("{} cannot be found", file.display()))?;
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
    let sandbox = Sandbox::start_observed(compiled::folder(), Arc::new(Aloud))?;
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
            // Its entry gives a profile its name; without one any name will do.
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

/// For people: what it is, and the entry that loads it.
fn sentence(passed: &Passed, file: &Path, digest: &str) -> String {
    let name = passed.name.as_deref().unwrap_or("NAME");
    let file = file.file_name().unwrap_or_default().to_string_lossy();
    let clocks = if passed.grants.contains(&"std-stubs") {
        "  # its clocks stand still: the time is `context.now-ms`"
    } else {
        ""
    };
    let grants =
        if passed.grants.is_empty() { String::new() } else { format!("\n    grants: [{}]", passed.grants.join(", ")) };
    format!(
        "ok: {name} {} is a {} of {}\n\nTo load it, put it beside scanhost.yaml and add there:\n\nplugins:\n  {name}:\n    file: {file}{grants}{clocks}\n    # sha256: {digest} pins this file: a replacement needs a change here, and there is no rollback",
        passed.version, passed.kind, passed.world,
    )
}
