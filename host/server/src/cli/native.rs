//! Reads a scanner's own report from disk, by its backend, into a temporary folder of the command.

use std::path::Path;

use anyhow::{Context as _, bail};
use scanhost_app::snapshot::Snapshot;
use scanhost_domain::ids::BackendName;
use scanhost_results::{IngestError, Report, ingest};

/// The backend that reads a file where none is named.
pub const DEFAULT: &str = "nessus";

/// Reads the file, and prints warnings about it to standard error.
pub fn read(snapshot: &Snapshot, backend: Option<&str>, file: &Path, folder: &Path) -> anyhow::Result<Report> {
    let guessed = if backend.is_none() { " (read as nessus; see --backend)" } else { "" };
    let backend = backend.unwrap_or(DEFAULT);
    let found = backend.parse::<BackendName>().ok().and_then(|name| snapshot.backends.get(&name));
    let Some(backend) = found.cloned() else {
        let names: Vec<_> = snapshot.backends.keys().map(BackendName::as_str).collect();
        bail!("there is no backend {backend:?}; choose one of {}", names.join(", "));
    };
    let shown = file.display();
    if file.is_dir() {
        bail!("{shown} is a folder");
    }
    let read = tokio::task::block_in_place(|| ingest(&backend, file, folder, None, None));
    let summary = match read {
        Ok(summary) => summary,
        Err(IngestError::Malformed(malformed)) => bail!("{shown}: {malformed}{guessed}"),
        Err(IngestError::Backend(fault)) => bail!("{shown}: the plugin {fault}"),
        Err(IngestError::Report(error)) => return Err(error).with_context(|| format!("cannot open {shown}")),
        Err(IngestError::Findings(error)) => return Err(error.into()),
    };
    for warning in &summary.warnings {
        eprintln!("warning: {shown}: {}", warning.message);
    }
    Report::open(folder)?.context("the findings that were just written are missing")
}
