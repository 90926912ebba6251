//! `config check`: loads and checks the whole configuration, and starts nothing.

mod connect;
mod machine;

use std::sync::Arc;

use anyhow::{Context as _, bail};
use scanhost_app::{
    plugins::PluginArchive,
    snapshot::{
        self, Snapshot,
        local_check::{Unfit, check_local},
    },
};
use scanhost_config::{Config, Examined, Problem};
use scanhost_conformance::plugin_stderr::PrintStderr;
use scanhost_results::unknown_fields;
use scanhost_sandbox::Sandbox;
use serde_json::{Map, Value as Json, json};

use self::{
    connect::{Health, scanner_problem},
    machine::Machine,
};
use super::{compiled, config_folder::ConfigFolder, listing};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: ConfigFolder,
    /// Also ask each enabled scanner for its health, which tests its login, and connect to Redis
    #[arg(long)]
    connect: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The result of the check.
#[derive(Default)]
struct Found {
    problems: Vec<Problem>,
    /// Settings that work, but hardly as intended.
    warnings: Vec<Problem>,
    counts: Map<String, Json>,
    /// What the scanners answered, if they were to be asked.
    healths: Option<Vec<Health>>,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let Found { problems, warnings, counts, healths } = check(&args).await?;
    let is_good = problems.is_empty();
    let lines = |problems: &[Problem]| problems.iter().map(ToString::to_string).collect::<Vec<String>>();
    let (problems, warnings) = (lines(&problems), lines(&warnings));
    if args.json {
        let mut answer = json!({ "ok": is_good });
        if let Json::Object(answer) = &mut answer {
            answer.extend(counts);
            if let Some(healths) = healths {
                answer.insert("scanners".into(), healths.iter().map(Health::json).collect());
            }
            answer.insert("warnings".into(), warnings.into());
            if !is_good {
                answer.insert("problems".into(), problems.into());
            }
        }
        listing::json(&answer)?;
        if is_good { Ok(()) } else { bail!("the configuration cannot be used") }
    } else {
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        for health in healths.iter().flatten() {
            listing::sentence(&health.sentence())?;
        }
        if !is_good {
            bail!("{}", problems.join("\n"));
        }
        let counts: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        listing::sentence(&format!("ok: {}", counts.join(", ")))
    }
}

async fn check(args: &Args) -> anyhow::Result<Found> {
    let environment = |name: &str| std::env::var(name).ok();
    let Examined { config, problems, warnings, sources: _ } =
        Config::examine(args.folder.config.as_deref(), &environment);
    let mut found = Found { problems, warnings, ..Found::default() };
    sort(&mut found.warnings);
    if let Some(config) = config {
        check_beyond_files(args, config, &mut found).await?;
    }
    sort(&mut found.problems);
    Ok(found)
}

fn sort(problems: &mut [Problem]) {
    problems.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
}

/// Checks the configuration, as far as it could be read, against this machine, the plugins and the scanners.
async fn check_beyond_files(args: &Args, config: Config, found: &mut Found) -> anyhow::Result<()> {
    let machine = Machine::check(&config);
    found.problems.extend(machine.problems);
    if args.connect {
        found.problems.extend(connect::check_store(&config).await);
    }
    let sandbox =
        Sandbox::start_observed(compiled::folder(), Arc::new(PrintStderr)).context("cannot start the plugin engine")?;
    let mut archive = PluginArchive::new(&config.data);
    // If the record of rollbacks cannot be read, everything else is checked as if there were none.
    let nothing = tempfile::tempdir().context("cannot make a temporary folder")?;
    if let Err(message) = archive.ledger() {
        if machine.is_data_usable {
            let (file, key) = ("scanhost.yaml".to_owned(), "plugins".to_owned());
            found.problems.push(Problem { file, place: None, key, message });
        }
        archive = PluginArchive::new(nothing.path());
    }
    let (snapshot, problems) = match snapshot::build_loadable(&sandbox, &archive, config.into(), None).await {
        Ok(built) => built,
        Err(problems) => {
            found.problems.extend(problems);
            return Ok(());
        }
    };
    if problems.is_empty() {
        found.counts = counts(&snapshot);
    }
    found.problems.extend(problems);
    found.warnings.extend(unfamiliar_fields(&snapshot));
    let healths = if args.connect { Some(connect::ask(&snapshot).await) } else { None };
    for scanner in &snapshot.scanners {
        // What this scanner says would only follow from the problem with its program.
        if scanner.commands.keys().any(|command| machine.unusable_commands.contains(command)) {
            continue;
        }
        let answer = healths.iter().flatten().find(|health| health.scanner == scanner.id);
        let problem = match answer {
            Some(health) => health.problem(),
            None => match check_local(scanner).await {
                Ok(()) => None,
                Err(Unfit::Mistake(message) | Unfit::Outage(message)) => {
                    Some(scanner_problem(&scanner.id, scanner.config.place, message))
                }
            },
        };
        found.problems.extend(problem);
    }
    found.healths = healths;
    Ok(())
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

/// Warnings about unknown field names in profiles, which a report may have or which are misspelt.
fn unfamiliar_fields(snapshot: &Snapshot) -> Vec<Problem> {
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
                warnings.push(warning);
            }
        }
    }
    warnings
}
