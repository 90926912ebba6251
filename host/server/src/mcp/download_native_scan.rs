//! `download_native_scan`: where the scanner's own report is.

use std::{fs::File, io, path::PathBuf};

use rmcp::model::{ContentBlock, Resource};
use scanhost_app::{
    find,
    host::Host,
    housekeeping::accessed,
    refusal::{ErrorCode, Refusal},
};
use scanhost_config::Scope;
use scanhost_domain::scan::Scan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    nature::Nature,
    resources::Address,
    tool::{About, Answer, Row, answering},
    toolset::Toolset,
};

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// from run_…_scan or list_scans
    task_id: String,
}

/// The report as a file.
#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub task_id: String,
    pub trace_id: String,
    /// on the machine of the server
    pub path: String,
    /// bytes
    pub size: u64,
    pub sha256: String,
    /// the same as a resource
    pub uri: String,
}

pub fn row() -> Row {
    let about = About {
        name: "download_native_scan",
        title: "Native report of a scan",
        description: "Tells where the scanner's own report file is (.nessus XML for Nessus), as it was downloaded: path on \
            the server, size, SHA-256, and a resource link. For reading findings use get_scan_results, which is smaller \
            and filtered. A report that could not be read is kept and can be had here too. Example: {\"task_id\": \"01K…\"}",
        toolset: Toolset::Results,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    answering(about, |call, args: Args| async move {
        let scan = find::scan(&call.host, &args.task_id).await?;
        let path = report(&call.host, &scan).await?;
        accessed(&call.host, &scan.id).await;
        let file = path.clone();
        let hashing = call.host.tasks.spawn_blocking(move || digest(&file));
        let digest = hashing.await.map_err(|error| Refusal::internal("reading the report", &error))?;
        let (size, sha256) = digest.map_err(|error| Refusal::internal("reading the report", &error))?;
        let uri = Address::Report(scan.id.clone()).to_string();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let link = ContentBlock::resource_link(Resource::new(uri.clone(), name).with_size(size));
        // As the server has it, so that it means the same from every folder.
        let path = path.canonicalize().unwrap_or(path).display().to_string();
        let reply = Reply { task_id: scan.id.to_string(), trace_id: scan.trace.to_string(), path, size, sha256, uri };
        Ok(Answer::With(reply, link))
    })
}

/// Where the scan's report is.
///
/// # Errors
/// When it has none, or not yet.
pub async fn report(host: &Host, scan: &Scan) -> Result<PathBuf, Refusal> {
    // Of a scan that runs it may be fetched once more.
    if !scan.is_finished() {
        return Err(Refusal::new(
            ErrorCode::NotReady,
            format!("the scan is {}: it has no report yet", scan.status()),
            "Call wait_for_scan first.",
        ));
    }
    if let Some(path) = host.native_report(&scan.id) {
        return Ok(path);
    }
    // It may have been deleted meanwhile.
    let scan = find::scan(host, scan.id.as_str()).await?;
    Err(Refusal::new(
        ErrorCode::Conflict,
        format!("the scan ended as {}, without a report", scan.status()),
        "get_scan_status says why.",
    ))
}

fn digest(path: &std::path::Path) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let size = io::copy(&mut File::open(path)?, &mut HashWriter(&mut hash))?;
    Ok((size, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
