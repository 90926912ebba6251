//! The conformance kit: what every backend and profile has to do, as cases that are run against a component.
//! The scanner is scripted and inside this process; cost is counted in fuel, which is the same on every machine.

mod backend;
mod case;
mod changed;
pub mod last_words;
mod probe;
mod profile;
mod programs;
mod rig;
mod sample;
mod script;
mod scripted;

use std::{path::{Path, PathBuf}, sync::Arc};

use scanhost_sandbox::{Component, Grants, Limits, Plugin, Refused, Sandbox};

use crate::rig::{Costs, Rig};

pub use crate::script::Script;
pub use case::{Case, Outcome, Stop};

/// What came of a case.
pub struct CaseReport {
    pub name: &'static str,
    pub why: &'static str,
    pub outcome: Outcome,
    /// All that its calls used.
    pub fuel: u64,
    /// What the plugin wrote before it failed.
    pub last_words: Option<String>,
}

/// The plugin cannot even be loaded.
pub struct Unloaded {
    pub refused: Refused,
    pub last_words: Option<String>,
}

/// What came of all cases of a plugin.
pub struct Report {
    pub kind: &'static str,
    pub results: Vec<CaseReport>,
}

/// Runs the cases of the plugin's kind that have `only` in their names.
///
/// # Errors
/// When it cannot even be loaded.
pub async fn test(
    bytes: &[u8],
    limits: Limits,
    script: Option<&Path>,
    only: &str,
    cache: Option<PathBuf>,
) -> anyhow::Result<Result<Report, Unloaded>> {
    let script = script.map(Script::read).transpose()?.unwrap_or_default();
    let costs = Arc::new(Costs::default());
    let sandbox = Sandbox::start_metered(cache, costs.clone())?;
    let loaded = async {
        let component = Component::compile(sandbox, bytes)?;
        let grants = component.requests().into_iter().fold(Grants::default(), Grants::with);
        let plugin = Plugin::load(&component, limits, grants).await?;
        Ok::<_, scanhost_sandbox::LoadError>((component, grants, plugin))
    };
    let (component, grants, plugin) = match loaded.await {
        Ok(loaded) => loaded,
        Err(error) => return Ok(Err(Unloaded { refused: error.into(), last_words: costs.take_last_words() })),
    };
    Ok(Ok(match plugin {
        Plugin::Backend(backend) => {
            let rig = Rig { backend: *backend, component, limits, grants, script, costs: costs.clone() };
            Report { kind: "backend", results: run(backend::cases(), &rig, &costs, only).await }
        }
        Plugin::Profile(profile) => {
            let definition = serde_json::Value::Object(script.definition).to_string();
            let rig = profile::Rig { profile: *profile, definition };
            Report { kind: "profile", results: run(profile::cases(), &rig, &costs, only).await }
        }
    }))
}

async fn run<R>(cases: Vec<Case<R>>, rig: &R, costs: &Costs, only: &str) -> Vec<CaseReport> {
    let mut results = Vec::new();
    for case in cases.into_iter().filter(|case| case.name.contains(only)) {
        let before = costs.fuel();
        let outcome = (case.run)(rig).await;
        let (fuel, last_words) = (costs.fuel() - before, costs.take_last_words());
        results.push(CaseReport { name: case.name, why: case.why, outcome, fuel, last_words });
    }
    results
}
