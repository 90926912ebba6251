//! What is loaded, one row a version, for an operator who wants to know what runs and why something does not.

use serde_json::{Value as Json, json};

use super::{Origin, Plugin};
use crate::{config::Problem, host::Host, snapshot::Snapshot};

/// The versions in use, those that old calls and scans still hold, and the plugins that could not be loaded.
pub fn listed(host: &Host) -> Json {
    let snapshot = host.snapshot.load_full();
    let (problems, ledger) = (host.reloads.last().problems, host.kept.ledger().unwrap_or_default());
    let mut rows: Vec<Json> = Vec::new();
    for plugin in &snapshot.plugins {
        let refused = of_plugin(&problems, &plugin.name).map(|problem| format!("the file is refused: {problem}"));
        let (state, why) = match plugin.origin {
            Origin::Kept { instead_of } => {
                let back = ledger.went_back(&plugin.name, &instead_of.to_string());
                ("rolled back", back.map(|back| format!("{}; the file's sha256 is {instead_of}", back.reason)))
            }
            Origin::BuiltIn | Origin::File => ("active", refused),
        };
        let (state, why) = match host.faults.rest(plugin.digest()) {
            Some(rest) => ("quarantined", Some(format!("it failed too often and rests for {} s", rest.as_secs()))),
            None => (state, why),
        };
        rows.push(row(plugin, &snapshot, state, why));
    }
    for plugin in host.reloads.retired() {
        rows.push(row(&plugin, &snapshot, "draining", Some("calls or scans that began with it".to_owned())));
    }
    for problem in &problems {
        if let Some(name) = problem.key.strip_prefix("plugins.")
            && !snapshot.plugins.iter().any(|plugin| plugin.name == name)
        {
            rows.push(json!({
                "name": name, "kind": null, "world": null, "version": null, "sha256": null, "generation": null,
                "state": "not loaded", "why": problem.to_string(),
            }));
        }
    }
    Json::from(rows)
}

fn row(plugin: &Plugin, snapshot: &Snapshot, state: &str, why: Option<String>) -> Json {
    json!({
        "name": plugin.name, "kind": plugin.kind(), "world": plugin.world(), "version": snapshot.version(plugin),
        "sha256": plugin.digest().to_string(), "generation": plugin.generation, "state": state, "why": why,
    })
}

fn of_plugin<'a>(problems: &'a [Problem], name: &str) -> Option<&'a Problem> {
    problems.iter().find(|problem| problem.key.strip_prefix("plugins.") == Some(name))
}
