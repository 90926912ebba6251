//! What is loaded, one row a version, for an operator who wants to know what runs and why something does not.

use std::sync::Arc;

use scanhost_config::Problem;
use serde_json::{Value as Json, json};

use super::plugins::{Ledger, Origin, Plugin};
use crate::{host::Host, snapshot::Snapshot};

/// The versions in use, those that old calls and scans still hold, and the plugins that could not be loaded.
pub fn listed(host: &Host) -> Json {
    let snapshot = host.snapshot.load_full();
    let (problems, ledger) = (host.reloads.last().problems, host.kept.ledger().unwrap_or_default());
    let mut rows = loaded(&snapshot, &problems, &ledger);
    for (row, plugin) in rows.iter_mut().zip(&snapshot.plugins) {
        if let Some(rest) = host.faults.rest(plugin.digest()) {
            row["state"] = "quarantined".into();
            row["why"] = format!("it failed too often and is quarantined for {} s", rest.as_secs()).into();
        }
    }
    let draining =
        |plugin: Arc<Plugin>| row(&plugin, &snapshot, "draining", Some("calls or scans that began with it".to_owned()));
    rows.extend(host.reloads.retired().into_iter().map(draining));
    rows.extend(not_loaded(&snapshot, &problems));
    Json::from(rows)
}

/// What a configuration loads to, without the generations of any process.
pub fn listed_unserved(snapshot: &Snapshot, problems: &[Problem], ledger: &Ledger) -> Json {
    let mut rows = loaded(snapshot, problems, ledger);
    rows.iter_mut().for_each(|row| row["generation"] = Json::Null);
    rows.extend(not_loaded(snapshot, problems));
    Json::from(rows)
}

/// A row for each of the snapshot's plugins, in their order.
fn loaded(snapshot: &Snapshot, problems: &[Problem], ledger: &Ledger) -> Vec<Json> {
    let mut rows: Vec<Json> = Vec::new();
    for plugin in &snapshot.plugins {
        let refused = of_plugin(problems, &plugin.name).map(|problem| format!("the file is refused: {problem}"));
        let (state, why) = match plugin.origin {
            Origin::Kept { instead_of } => {
                let back = ledger.went_back(&plugin.name, &instead_of.to_string());
                ("rolled back", back.map(|back| format!("{}; the file's sha256 is {instead_of}", back.reason)))
            }
            Origin::BuiltIn | Origin::File => ("active", refused),
        };
        rows.push(row(plugin, snapshot, state, why));
    }
    rows
}

fn not_loaded(snapshot: &Snapshot, problems: &[Problem]) -> Vec<Json> {
    let mut rows = Vec::new();
    for problem in problems {
        if let Some(name) = problem.key.strip_prefix("plugins.")
            && !snapshot.plugins.iter().any(|plugin| plugin.name == name)
        {
            rows.push(json!({
                "name": name, "kind": null, "world": null, "version": null, "sha256": null, "generation": null,
                "state": "not loaded", "why": problem.to_string(),
            }));
        }
    }
    rows
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
