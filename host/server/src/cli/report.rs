//! `report FILE`: reads a native report by its backend, and shows it like the results of a scan.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use scanhost_app::{
    answer::{Choice, Question, prepare},
    snapshot::named::find_profile,
};
use scanhost_conformance::plugin_stderr::PrintStderr;
use scanhost_domain::page::PageRequest;
use scanhost_results::jsonl::ScanMetadata;
use scanhost_sandbox::Sandbox;

use super::{
    compiled,
    config_folder::ConfigFolder,
    filter_args::FilterArgs,
    format::{self, Format},
    native,
};
use crate::app;

#[derive(clap::Args)]
pub struct Args {
    /// The report, for example a .nessus file
    file: PathBuf,
    /// The backend that reads the report [default: nessus]
    #[arg(long)]
    backend: Option<String>,
    /// Profile of the fields to show: minimal, summary, brief, full or one of the configuration
    #[arg(long, value_name = "P")]
    profile: Option<String>,
    /// Fields to show, in this order, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "profile")]
    fields: Option<Vec<String>>,
    #[command(flatten)]
    filters: FilterArgs,
    /// Page to print; 0 prints everything
    #[arg(long, default_value_t = 1, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(0..))]
    page: i64,
    /// Records per page; values outside 10 to 100 are clamped
    #[arg(long, default_value_t = 40, allow_negative_numbers = true)]
    page_size: i64,
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    #[command(flatten)]
    folder: ConfigFolder,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    args.format.permit_output()?;
    let sandbox = Sandbox::start_observed(compiled::folder(), Arc::new(PrintStderr))?;
    let snapshot = app::build_snapshot(&sandbox, args.folder.load()?).await?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let report = native::read(&snapshot, args.backend.as_deref(), &args.file, folder.path())?;
    let choice = match (args.profile.as_deref(), args.fields) {
        (_, Some(fields)) => Choice::Fields(fields),
        (name, None) => Choice::Profile(find_profile(&snapshot, name.unwrap_or("brief"))?),
    };
    let question =
        Question { page: PageRequest::parse(args.page, args.page_size, 0)?, choice, filters: args.filters.combined() };
    let metadata = ScanMetadata {
        backend: Some(args.backend.unwrap_or_else(|| native::DEFAULT.into())),
        scan_name: report.meta().report_name.clone(),
        targets: report.meta().report_targets.clone(),
        ..ScanMetadata::default()
    };
    let prepared = prepare(&snapshot, Arc::new(report), question).await?;
    tokio::task::block_in_place(|| format::print(&prepared, &metadata, args.format))
}
