//! The conformance kit: what every backend and profile has to do, as cases that are run against a component.
//! The scanner is simulated inside this process, from a script. Cost is counted in fuel, which is the same on every
//! machine.

mod backend;
mod case;
mod mutation;
mod names;
pub mod plugin_stderr;
mod probe;
mod profile;
mod rig;
mod sample;
mod script;
mod scripted_program;
mod scripted_scanner;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use scanhost_sandbox::{Component, Grants, Limits, Plugin, Refused, Sandbox};

use crate::rig::{Costs, Rig};

pub use crate::script::Script;
pub use case::{Case, Outcome, Stop};

/// The result of one case.
pub struct CaseReport {
    pub name: &'static str,
    pub why: &'static str,
    pub outcome: Outcome,
    /// The fuel that all of its calls used.
    pub fuel: u64,
    /// What the plugin wrote to its standard error before it failed.
    pub stderr: Option<String>,
}

/// Why the plugin could not be loaded.
pub struct LoadFailure {
    pub refused: Refused,
    pub stderr: Option<String>,
}

/// The results of all cases of a plugin.
pub struct Report {
    pub kind: &'static str,
    pub results: Vec<CaseReport>,
}

/// Runs the cases of the plugin's kind that have `only` in their names. The inner result is an error when the plugin
/// cannot be loaded.
///
/// # Errors
/// When the script cannot be read or the sandbox cannot be started.
pub async fn test(
    bytes: &[u8],
    limits: Limits,
    script: Option<&Path>,
    only: &str,
    cache: Option<PathBuf>,
) -> anyhow::Result<Result<Report, LoadFailure>> {
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
        Err(error) => return Ok(Err(LoadFailure { refused: error.into(), stderr: costs.take_stderr() })),
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
        let (fuel, stderr) = (costs.fuel() - before, costs.take_stderr());
        results.push(CaseReport { name: case.name, why: case.why, outcome, fuel, stderr });
    }
    results
}
