//! `config check`: loads and checks the whole configuration, and starts nothing.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use scanhost_app::snapshot::{
    Snapshot,
    local_check::{Unfit, check_local},
};
use scanhost_config::{Config, Problem, Scope};
use scanhost_conformance::plugin_stderr::PrintStderr;
use scanhost_results::unknown_fields;
use scanhost_sandbox::Sandbox;
use serde_json::{Map, Value as Json, json};

use super::{compiled, config_folder::ConfigFolder, listing};
use crate::app;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: ConfigFolder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The result of the check, with one text for each problem and warning.
#[derive(Default)]
struct Found {
    problems: Vec<String>,
    /// Settings that work, but hardly as intended.
    warnings: Vec<String>,
    counts: Map<String, Json>,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let Found { problems, warnings, counts } = check(&args.folder).await?;
    let is_good = problems.is_empty();
    if args.json {
        let mut answer = json!({ "ok": is_good });
        if let Json::Object(answer) = &mut answer {
            answer.extend(counts);
            answer.insert("warnings".into(), warnings.into());
            if !is_good {
                answer.insert("problems".into(), problems.into());
            }
        }
        listing::json(&answer)?;
        if is_good { Ok(()) } else { bail!("the configuration cannot be used") }
    } else {
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        if !is_good {
            bail!("{}", problems.join("\n"));
        }
        let counts: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        listing::sentence(&format!("ok: {}", counts.join(", ")))
    }
}

async fn check(folder: &ConfigFolder) -> anyhow::Result<Found> {
    let environment = |name: &str| std::env::var(name).ok();
    let (config, mut problems) = Config::examine(folder.config.as_deref(), &environment);
    let mut found = Found::default();
    let mut unfit = Vec::new();
    // Other settings depend on plugins: without one of them, correct settings would be reported as problems.
    let leaves_plugins_whole =
        |problem: &Problem| !problem.key.starts_with("plugins") && !problem.key.starts_with("commands");
    if let Some(config) = config.filter(|_| problems.iter().all(leaves_plugins_whole)) {
        found.warnings = powerless_tokens(&config);
        let sandbox = Sandbox::start_observed(compiled::folder(), Arc::new(PrintStderr))
            .context("cannot start the plugin engine")?;
        match app::try_snapshot(&sandbox, config).await {
            Ok(snapshot) => {
                found.warnings.extend(unfamiliar_fields(&snapshot));
                found.counts = counts(&snapshot);
                unfit = unfit_scanners(&snapshot).await;
            }
            Err(more) => {
                // A plugin may report a key that was already reported with its line.
                let is_reported = |problem: &Problem| {
                    let key = problem.message.split(": ").next().unwrap_or_default();
                    let key = format!("{}.{key}", problem.key);
                    problems.iter().any(|reported| reported.file == problem.file && reported.key == key)
                };
                let more: Vec<Problem> = more.into_iter().filter(|problem| !is_reported(problem)).collect();
                problems.extend(more);
            }
        }
    }
    problems.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
    found.problems = problems.iter().map(ToString::to_string).chain(unfit).collect();
    Ok(found)
}

fn counts(snapshot: &Snapshot) -> Map<String, Json> {
    let counts = [
        ("pools", snapshot.config.pools.len()),
        ("scanners", snapshot.scanners.len()),
        ("profiles", snapshot.profiles.len()),
        ("backends", snapshot.backends.len()),
    ];
    counts.into_iter().map(|(what, count)| (what.to_owned(), count.into())).collect()
}

/// Problems of scanners that cannot be used from this machine.
async fn unfit_scanners(snapshot: &Snapshot) -> Vec<String> {
    let mut unfit = Vec::new();
    for scanner in &snapshot.scanners {
        if let Err(Unfit::Mistake(problem) | Unfit::Outage(problem)) = check_local(scanner).await {
            unfit.push(format!("scanners.yaml: {}.{}: {problem}", scanner.id.pool, scanner.id.instance));
        }
    }
    unfit
}

/// Warnings about tokens that may pause pools but may not call any tool.
fn powerless_tokens(config: &Config) -> Vec<String> {
    let only_admin = config.tokens.iter().enumerate().filter(|(_, token)| token.scopes.iter().eq([&Scope::Admin]));
    let warning = |(index, token): (usize, &scanhost_config::Token)| Problem {
        file: "scanhost.yaml".to_owned(),
        place: None,
        key: format!("tokens[{index}].scopes"),
        message: format!(
            "the token `{}` cannot call any tool, since scan:admin alone allows none: add scan:read or scan:submit",
            token.name
        ),
    };
    only_admin.map(|entry| warning(entry).to_string()).collect()
}

/// Warnings about unknown field names in profiles, which a report may have or which are misspelt.
fn unfamiliar_fields(snapshot: &Snapshot) -> Vec<String> {
    let known = snapshot.known_fields();
    let mut warnings = Vec::new();
    for definition in &snapshot.config.profiles {
        let Some(profile) = snapshot.profile(&definition.name) else { continue };
        let filters: Map<String, Json> = serde_json::from_str(&profile.filters).unwrap_or_default();
        let filtered: Vec<String> = filters.keys().cloned().collect();
        for (key, names, meaning) in [
            ("fields", &profile.fields, "the field is shown where a report has it"),
            ("filters", &filtered, "this profile refuses a report without the field"),
            ("order", &profile.order, "a report without the field is not sorted by it"),
        ] {
            for unknown in unknown_fields(names.iter().map(String::as_str), &known) {
                let warning = Problem {
                    file: definition.file.to_owned(),
                    place: definition.place,
                    key: format!("{}.{key}", definition.name),
                    message: format!("{unknown} ({meaning})"),
                };
                warnings.push(warning.to_string());
            }
        }
    }
    warnings
}
