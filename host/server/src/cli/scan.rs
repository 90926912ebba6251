//! `scan`: submits a scan, follows it and prints its findings, through the host that runs on the data folder or one of
//! this process.

use std::{io::IsTerminal as _, path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use scanhost_app::{
    answer::{Choice, Question, prepare},
    role::Role,
    snapshot::{Snapshot, named::find_profile},
    telemetry::{self, Wish},
};
use scanhost_config::{Config, StoreKind};
use scanhost_domain::{ids::ProfileName, page::PageRequest};
use scanhost_results::{Report, check_standing_filters, jsonl::ScanMetadata, unknown_fields};
use scanhost_sandbox::Sandbox;
use serde_json::{Map, Value as Json};

use super::{
    config_folder::ConfigFolder,
    filter_args::FilterArgs,
    format::{self, Format},
    interrupt::Interrupt,
    listing::text,
};
use crate::{
    app::{self, Purpose},
    control::{Control, Request},
    mcp,
};

/// How many seconds one request for the status waits for a change.
const WAIT_SECONDS: u64 = 1;

#[derive(clap::Args)]
pub struct Args {
    /// Addresses, CIDRs, ranges and host names, separated by commas or blanks
    #[arg(long)]
    targets: String,
    /// Name of the scan
    #[arg(long, default_value = "command line")]
    name: String,
    /// Pool to use instead of the default one
    #[arg(long)]
    pool: Option<String>,
    /// Profile of the fields to show
    #[arg(long, value_name = "P", default_value = "brief")]
    profile: String,
    #[command(flatten)]
    filters: FilterArgs,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    folder: ConfigFolder,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    args.format.permit_output()?;
    telemetry::start(Wish::Own("warn"), mcp::is_loggable)?;
    let config = args.folder.load()?;
    // A worker should keep the scans that it claims. This process ends with its own scan, so on a shared store it is no
    // worker.
    let role = match config.store {
        StoreKind::Embedded => Role::All,
        StoreKind::Redis(_) => Role::Api,
    };
    let control = Control::open(config.clone(), Purpose::Work(role)).await?;
    if let Control::Own(host) = &control {
        app::start_work(host)?;
    }
    let interrupt = Interrupt::listen()?;
    let done = scan(&control, config, args, &interrupt).await;
    control.close().await;
    done
}

async fn scan(control: &Control, config: Config, args: Args, interrupt: &Interrupt) -> anyhow::Result<()> {
    let data = config.data.clone();
    // The arguments are checked before anything is scanned.
    let sandbox = Sandbox::start(Some(data.join("cache")))?;
    let snapshot = app::build_snapshot(&sandbox, config).await?;
    let profile = find_profile(&snapshot, &args.profile)?;
    let filters = args.filters.combined();
    check_filters(&snapshot, &profile, &filters)?;
    let choice = Choice::Profile(profile);
    let request = Request::Submit { targets: args.targets, name: args.name, scanner_pool: args.pool };
    // This comes before the submit, so that no Ctrl-C leaves a scan behind.
    interrupt.begin_cancelling();
    let submitted = control.ask(request).await?;
    let id = text(&submitted["task_id"]);
    eprintln!("scan {id} is queued");
    let pool = text(&submitted["scanner_pool"]);
    tokio::select! {
        status = control.ask(Request::PoolStatus { pool: pool.clone() }) => if status?["paused"] == true {
            eprintln!("pool {pool} is paused: the scan waits until `scanhost queue resume {pool}`");
        },
        // `follow` cancels the scan.
        () = interrupt.requested().cancelled() => {}
    }
    let status = follow(control, &id, interrupt).await?;
    interrupt.end_cancelling();
    for warning in status["warnings"].as_array().into_iter().flatten() {
        eprintln!("warning: {}", text(&warning["message"]));
    }
    if status["status"] != "completed" {
        match status["error"]["message"].as_str() {
            Some(reason) => bail!("scan {id} ended as {}: {reason}", text(&status["status"])),
            None => bail!("scan {id} ended as {}", text(&status["status"])),
        }
    }
    let report = Report::open(&Path::new(&data).join("tasks").join(&id))?.context("the scan's findings are missing")?;
    let question = Question { page: all(), choice, filters };
    let prepared = prepare(&snapshot, Arc::new(report), question).await?;
    tokio::task::block_in_place(|| format::print(&prepared, &metadata(&status), args.format))
}

/// Checks the filters as far as possible without the report, which may have fields that are known nowhere else.
fn check_filters(snapshot: &Snapshot, profile: &ProfileName, own: &Map<String, Json>) -> anyhow::Result<()> {
    let known = snapshot.known_fields();
    check_standing_filters(&serde_json::to_string(own)?, &known).map_err(anyhow::Error::msg)?;
    let standing = snapshot.profile(profile).map_or("{}", |profile| profile.filters.as_str());
    let standing: Map<String, Json> = serde_json::from_str(standing)?;
    for (filters, whose) in [(own, "--filter".to_owned()), (&standing, format!("the filters of profile `{profile}`"))] {
        for unknown in unknown_fields(filters.keys().map(String::as_str), &known) {
            if unknown.nearest.is_some() {
                bail!("{whose}: {unknown}");
            }
            eprintln!("warning: {whose}: {unknown}");
        }
    }
    Ok(())
}

fn all() -> PageRequest {
    PageRequest::parse(0, 0, 0).expect("no number is negative")
}

/// Follows the scan to its end; the first Ctrl-C cancels it.
async fn follow(control: &Control, id: &str, interrupt: &Interrupt) -> anyhow::Result<Json> {
    let bar = progress_bar();
    let mut is_cancelled = false;
    loop {
        let wait = control.ask(Request::Wait { task_id: id.to_owned(), timeout_seconds: WAIT_SECONDS });
        let status = tokio::select! {
            status = wait => status?,
            () = interrupt.requested().cancelled(), if !is_cancelled => {
                is_cancelled = true;
                bar.suspend(|| eprintln!("cancelling scan {id} … (press Ctrl-C again to exit at once)"));
                // The scan may just have ended, which the next status shows.
                if let Err(error) = control.ask(Request::Cancel { task_id: id.to_owned() }).await {
                    eprintln!("scanhost: {error:#}");
                }
                continue;
            }
        };
        match status["status"].as_str() {
            Some("queued") => bar.set_message("queued"),
            Some("running") => {
                bar.set_position(status["progress"].as_u64().unwrap_or(0));
                bar.set_message(if is_cancelled { "cancelling" } else { "running" });
            }
            _ => {
                bar.finish_and_clear();
                return Ok(status);
            }
        }
    }
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{msg:10} [{bar:40}] {pos:>3} %  {elapsed}").expect("a well formed template");
    ProgressBar::new(100).with_style(style.progress_chars("=> "))
}

/// The metadata of the scan from its status, for the second line of the results.
fn metadata(status: &Json) -> ScanMetadata {
    let text = |key: &str| status[key].as_str().map(str::to_owned);
    let time = |key: &str| status[key].as_str().and_then(|time| time.parse().ok());
    ScanMetadata {
        task_id: text("task_id"),
        scan_name: text("name"),
        targets: text("targets"),
        scanner_pool: text("scanner_pool"),
        scanner_instance: text("scanner_instance"),
        backend: text("backend"),
        started_at: time("started_at"),
        completed_at: time("completed_at"),
    }
}
