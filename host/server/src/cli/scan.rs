//! `scan`: one scan from submit to findings, in this process.

use std::{io::IsTerminal as _, sync::Arc};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use scanhost_domain::{
    ids::TaskId,
    page::PageRequest,
    request::ScanType,
    scan::{Scan, ScanState, Status},
};
use serde_json::Map;

use super::{
    ConfigFolder, filter,
    format::{self, Format},
};
use crate::{
    answer::{Choice, Question, prepare},
    app, clock,
    host::Host,
    reply::StatusReply,
    results::{Report, jsonl::ScanMetadata},
    submit::{Caller, SubmitArgs, find_profile, submit},
    telemetry,
};

#[derive(clap::Args)]
pub struct Args {
    /// Addresses, CIDRs, ranges and host names, separated by commas or blanks
    #[arg(long)]
    targets: String,
    /// What to call the scan
    #[arg(long, default_value = "command line")]
    name: String,
    /// Pool to use instead of the default one
    #[arg(long)]
    pool: Option<String>,
    /// Which fields to show
    #[arg(long, value_name = "P", default_value = "brief")]
    profile: String,
    /// Filter on any field; may be repeated
    #[arg(long, value_name = "K=V")]
    filter: Vec<filter::Word>,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    folder: ConfigFolder,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    telemetry::start("warn");
    let filters = filter::combine(&args.filter);
    let host = app::build(args.folder.load()?).await?;
    let snapshot = host.snapshot.load_full();
    let profile = find_profile(&snapshot, &args.profile)?;
    let submitted =
        SubmitArgs { targets: args.targets, name: args.name, scanner_pool: args.pool, ..SubmitArgs::default() };
    let submission = submit(&host, &Caller::default(), "scan", &Map::new(), ScanType::Untrusted, submitted).await?;
    let id = submission.scan.id;
    eprintln!("scan {id} is queued");
    app::start_work(&host);
    let end = follow(&host, &id).await;
    let scan = match end {
        Ok(scan) => scan,
        Err(error) => {
            app::stop(&host).await;
            return Err(error);
        }
    };
    let printed =
        print(&host, &scan, Question { page: all(), choice: Choice::Profile(profile), filters }, args.format).await;
    app::stop(&host).await;
    printed
}

fn all() -> PageRequest {
    PageRequest::parse(0, 0, 0).expect("no number is negative")
}

/// Follows the scan to its end; Ctrl-C cancels it.
async fn follow(host: &Arc<Host>, id: &TaskId) -> anyhow::Result<Scan> {
    let bar = progress_bar();
    let watch = host.store.watch(id);
    let mut is_cancelled = false;
    loop {
        let changed = watch.changed();
        let Some(scan) = host.store.scan(id).await? else { bail!("the scan {id} was deleted") };
        match &scan.state {
            ScanState::Queued(_) => bar.set_message("queued"),
            ScanState::Running(running) => {
                bar.set_position(running.progress.into());
                bar.set_message(if is_cancelled { "cancelling" } else { "running" });
            }
            ScanState::Finished(_) => {
                bar.finish_and_clear();
                return Ok(scan);
            }
        }
        tokio::select! {
            () = changed => {}
            _ = tokio::signal::ctrl_c(), if !is_cancelled => {
                is_cancelled = true;
                host.store.cancel(id, clock::now()).await?;
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

async fn print(host: &Arc<Host>, scan: &Scan, question: Question, format: Format) -> anyhow::Result<()> {
    let status = StatusReply::new(scan, None);
    for warning in &status.warnings {
        eprintln!("warning: {}", warning.message);
    }
    if scan.status() != Status::Completed {
        match status.error {
            Some(error) => bail!("scan {} ended as {}: {}", scan.id, status.status, error.message),
            None => bail!("scan {} ended as {}", scan.id, status.status),
        }
    }
    let Some(report) = Report::open(&host.folder(&scan.id))? else { bail!("the scan's findings are gone") };
    let snapshot = host.snapshot.load_full();
    let metadata = ScanMetadata::of(scan);
    let prepared = prepare(&snapshot, report, question).await?;
    tokio::task::block_in_place(|| format::print(&prepared, &metadata, format))
}
