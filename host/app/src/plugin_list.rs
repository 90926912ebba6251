//! The list of plugins for an operator: one row for each loaded version and for each plugin that could not be loaded.

use std::sync::Arc;

use scanhost_config::Problem;
use serde_json::{Value as Json, json};

use crate::{
    host::Host,
    plugins::{Ledger, Origin, Plugin, Rollback},
    snapshot::Snapshot,
};

/// Lists the versions in use, older versions that calls or scans still use, and the plugins that could not be loaded.
pub fn list(host: &Host) -> Json {
    let snapshot = host.snapshot.load_full();
    let (problems, ledger) = (host.reloads.last().problems, host.plugin_archive.ledger().unwrap_or_default());
    let mut rows = loaded(&snapshot, &problems, &ledger);
    for (row, plugin) in rows.iter_mut().zip(&snapshot.plugins) {
        if let Some(quarantine) = host.faults.remaining_quarantine(plugin.digest()) {
            row["state"] = "quarantined".into();
            row["why"] = format!("it failed too often and is quarantined for {} s", quarantine.as_secs()).into();
        }
    }
    let draining = |plugin: Arc<Plugin>| {
        row(&plugin, &snapshot, "draining", Some("calls or scans that began with it are still running".to_owned()))
    };
    rows.extend(host.reloads.retired().into_iter().map(draining));
    rows.extend(not_loaded(&snapshot, &problems));
    Json::from(rows)
}

/// Lists the plugins of a configuration without a running server. The rows have no generation.
pub fn list_without_server(snapshot: &Snapshot, problems: &[Problem], ledger: &Ledger) -> Json {
    let mut rows = loaded(snapshot, problems, ledger);
    rows.iter_mut().for_each(|row| row["generation"] = Json::Null);
    rows.extend(not_loaded(snapshot, problems));
    Json::from(rows)
}

/// Returns a row for each plugin of the snapshot, in its order.
fn loaded(snapshot: &Snapshot, problems: &[Problem], ledger: &Ledger) -> Vec<Json> {
    let mut rows: Vec<Json> = Vec::new();
    for plugin in &snapshot.plugins {
        let refused = problem_of(problems, &plugin.name).map(|problem| format!("the file is refused: {problem}"));
        let (state, why) = match plugin.origin {
            Origin::Archived { instead_of } => {
                let rollback = ledger.rollback_for(&plugin.name, &instead_of.to_string());
                let why = |rollback: &Rollback| format!("{}; the file's sha256 is {instead_of}", rollback.reason);
                ("rolled back", rollback.map(why))
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

fn problem_of<'a>(problems: &'a [Problem], name: &str) -> Option<&'a Problem> {
    problems.iter().find(|problem| problem.key.strip_prefix("plugins.") == Some(name))
}
