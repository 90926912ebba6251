//! `report FILE`: a native report through its backend's parser, shown like the results of a scan.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use scanhost_domain::{ids::BackendName, page::PageRequest};

use super::{
    ConfigFolder, compiled, filter,
    format::{self, Format},
};
use crate::{
    answer::{Choice, Question, prepare},
    app,
    results::{IngestError, Report, ingest, jsonl::ScanMetadata},
    snapshot::Snapshot,
    submit::find_profile,
};
use scanhost_sandbox::Sandbox;

#[derive(clap::Args)]
pub struct Args {
    /// The report, for example a .nessus file
    file: PathBuf,
    /// Whose report it is
    #[arg(long, default_value = "nessus")]
    backend: String,
    /// Which fields to show: minimal, summary, brief, full or one of the configuration
    #[arg(long, value_name = "P")]
    profile: Option<String>,
    /// Fields of your own choice and order, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "profile")]
    fields: Option<Vec<String>>,
    /// Filter on any field; may be repeated
    #[arg(long, value_name = "K=V")]
    filter: Vec<filter::Word>,
    /// Page to print; 0 prints everything
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    page: i64,
    /// Records on a page, 10 to 100
    #[arg(long, default_value_t = 40, allow_negative_numbers = true)]
    page_size: i64,
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    #[command(flatten)]
    folder: ConfigFolder,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let sandbox = Sandbox::start(compiled::folder())?;
    let snapshot = app::build_snapshot(&sandbox, args.folder.load()?).await?;
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    let report = read(&snapshot, &args, folder.path()).await?;
    let choice = match (args.profile.as_deref(), args.fields) {
        (_, Some(fields)) => Choice::Fields(fields),
        (name, None) => Choice::Profile(find_profile(&snapshot, name.unwrap_or("brief"))?),
    };
    let question = Question {
        page: PageRequest::parse(args.page, args.page_size, 0)?,
        choice,
        filters: filter::combine(&args.filter),
    };
    let metadata = ScanMetadata {
        backend: Some(args.backend),
        scan_name: report.meta().report_name.clone(),
        targets: report.meta().report_targets.clone(),
        ..ScanMetadata::default()
    };
    let prepared = prepare(&snapshot, Arc::new(report), question).await?;
    tokio::task::block_in_place(|| format::print(&prepared, &metadata, args.format))
}

async fn read(snapshot: &Snapshot, args: &Args, folder: &std::path::Path) -> anyhow::Result<Report> {
    let backend = args.backend.parse::<BackendName>().ok().and_then(|name| snapshot.backends.get(&name));
    let Some(backend) = backend.cloned() else {
        let names: Vec<_> = snapshot.backends.keys().map(BackendName::as_str).collect();
        bail!("there is no backend {:?}: there are {}", args.backend, names.join(", "));
    };
    let shown = args.file.display();
    if args.file.is_dir() {
        bail!("{shown} is a folder");
    }
    let read = tokio::task::block_in_place(|| ingest(&backend, &args.file, folder, None, None));
    let summary = match read {
        Ok(summary) => summary,
        Err(IngestError::Malformed(malformed)) => bail!("{shown}: {malformed}"),
        Err(IngestError::Backend(fault)) => bail!("{shown}: the plugin {fault}"),
        Err(IngestError::Report(error)) => return Err(error).with_context(|| format!("{shown} cannot be opened")),
        Err(IngestError::Findings(error)) => return Err(error.into()),
    };
    for warning in &summary.warnings {
        eprintln!("warning: {}", warning.message);
    }
    Report::open(folder)?.context("the findings that were just written are gone")
}
