//! `compare A B`: shows what has changed between two scans or reports.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use scanhost_conformance::plugin_stderr::PrintStderr;
use scanhost_domain::ids::TaskId;
use scanhost_results::{Comparison, ComparisonPage, FindingIndex, Report};
use scanhost_sandbox::Sandbox;
use serde_json::{Value as Json, json};

use super::{
    compiled,
    config_folder::{ConfigFolder, Usage},
    listing, native,
};
use crate::{
    app::{self, Purpose},
    control::{Control, Request},
};

#[derive(clap::Args)]
pub struct Args {
    /// The earlier scan or report: a task id or a report file
    baseline: String,
    /// The later one, of the same kind as the earlier one
    current: String,
    /// The backend that reads the report files [default: nessus]
    #[arg(long)]
    backend: Option<String>,
    /// How many findings each list shows, 1 to 50
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=50))]
    limit: u64,
    /// How many findings to skip at the start of each list
    #[arg(long, default_value_t = 0)]
    skip: u64,
    #[command(flatten)]
    folder: ConfigFolder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let answer = match (is_scan(&args.baseline), is_scan(&args.current)) {
        (true, true) => compare_scans(&args).await?,
        (false, false) => compare_files(&args).await?,
        _ => return Err(Usage("give two task ids or two report files").into()),
    };
    if args.json {
        return listing::json(&answer);
    }
    let lists =
        [("new", "new"), ("gone", "gone"), ("severity_changed", "severity changed"), ("still_there", "still there")];
    let rows = lists.into_iter().flat_map(|(list, change)| {
        answer[list].as_array().into_iter().flatten().map(move |finding| row(change, finding))
    });
    let rows: Vec<Json> = rows.collect();
    if !rows.is_empty() {
        listing::table(&Json::from(rows))?;
    }
    listing::sentence(&sentence(&answer))
}

/// Whether the word is a task id and not the name of a file that exists.
fn is_scan(word: &str) -> bool {
    word.to_ascii_uppercase().parse::<TaskId>().is_ok() && !Path::new(word).exists()
}

async fn compare_scans(args: &Args) -> anyhow::Result<Json> {
    let control = Control::open(args.folder.load_for_command()?, Purpose::Looking).await?;
    let question = Request::Compare {
        baseline_task_id: args.baseline.clone(),
        task_id: args.current.clone(),
        limit: usize::try_from(args.limit)?,
        skip: usize::try_from(args.skip)?,
    };
    let answer = control.ask(question).await;
    control.close().await;
    answer
}

async fn compare_files(args: &Args) -> anyhow::Result<Json> {
    let sandbox = Sandbox::start_observed(compiled::folder(), Arc::new(PrintStderr))?;
    let snapshot = app::build_snapshot(&sandbox, args.folder.load()?).await?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let open = |name: &str, file: &str| -> anyhow::Result<Report> {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder)?;
        native::read(&snapshot, args.backend.as_deref(), Path::new(file), &folder)
    };
    let (baseline, current) = (open("baseline", &args.baseline)?, open("current", &args.current)?);
    let page = ComparisonPage { skip: usize::try_from(args.skip)?, limit: usize::try_from(args.limit)? };
    let comparison = Comparison::new(&FindingIndex::of(&baseline)?, &FindingIndex::of(&current)?, page);
    let mut changes = comparison.read_current(&current)?;
    changes.gone = comparison.read_gone(&baseline)?;
    let mut answer = json!({ "baseline_file": args.baseline, "file": args.current, "counts": comparison.counts });
    if let (Json::Object(answer), Json::Object(lists)) = (&mut answer, serde_json::to_value(changes)?) {
        answer.extend(lists);
        if let Some(resume) = comparison.resume {
            answer.insert("resume".into(), serde_json::to_value(resume)?);
        }
    }
    Ok(answer)
}

fn row(change: &str, finding: &Json) -> Json {
    json!({
        "change": change, "severity": finding["severity"], "before": finding["baseline_severity"],
        "host": finding["host"], "port": finding["port"], "protocol": finding["protocol"],
        "plugin_id": finding["plugin_id"], "plugin_name": finding["plugin_name"],
    })
}

fn sentence(answer: &Json) -> String {
    let count = |kind: &str| listing::text(&answer["counts"][kind]);
    let (new, gone, still) = (count("new"), count("gone"), count("still_there"));
    let counts =
        format!("{new} new, {gone} gone, {still} still there, {} with a changed severity", count("severity_changed"));
    match answer["resume"]["skip"].as_u64() {
        Some(skip) => format!("{counts}; for more findings use --skip {skip}"),
        None => counts,
    }
}
