//! Where the scanner's own report is.

use std::{fs::File, io, path::PathBuf};

use scanhost_domain::scan::Scan;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::scan_args::ScanArgs;
use crate::{
    address::Address,
    find,
    host::Host,
    housekeeping::accessed,
    refusal::{ErrorCode, Refusal},
};

/// The report as a file.
#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub task_id: String,
    pub trace_id: String,
    /// on the server's machine
    pub path: String,
    /// bytes
    pub size: u64,
    pub sha256: String,
    /// the report as a resource
    pub uri: String,
}

/// The reply, and the file's own name.
pub struct NativeReport {
    pub reply: Reply,
    pub name: String,
}

/// The report with its size and checksum.
pub async fn native_report(host: &Host, args: &ScanArgs) -> Result<NativeReport, Refusal> {
    let scan = find::scan(host, &args.task_id).await?;
    let path = report(host, &scan).await?;
    accessed(host, &scan.id).await;
    let file = path.clone();
    let hashing = host.tasks.spawn_blocking(move || digest(&file));
    let digest = hashing.await.map_err(|error| Refusal::internal("reading the report", &error))?;
    let (size, sha256) = digest.map_err(|error| Refusal::internal("reading the report", &error))?;
    let uri = Address::Report(scan.id.clone()).to_string();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // The server's own path, so that it means the same from every folder.
    let path = path.canonicalize().unwrap_or(path).display().to_string();
    let reply = Reply { task_id: scan.id.to_string(), trace_id: scan.trace.to_string(), path, size, sha256, uri };
    Ok(NativeReport { reply, name })
}

/// Returns the path of the scan's report.
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
        "get_scan_status shows the reason. To get a report, submit the scan again.",
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
