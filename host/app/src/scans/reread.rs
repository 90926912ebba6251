//! Reading a kept report again, such as after its backend was mended.

use std::{fs, io, path::Path};

use scanhost_domain::scan::{Scan, ScanState};
use scanhost_store::{AdoptedFrom, Adoption};
use serde::Serialize;

use super::native_report::report;
use crate::{
    find,
    host::Host,
    refusal::{ErrorCode, Refusal},
    submit::by_operator,
};

#[derive(Serialize)]
pub struct Reply {
    /// The new scan, whose findings are read from the kept report.
    pub task_id: String,
    pub retry_of: String,
}

/// Reads the report of an ended scan again, as a new scan that touches no scanner. The old scan stays as it is.
pub async fn reread(host: &Host, task_id: &str) -> Result<Reply, Refusal> {
    let scan = find::scan(host, task_id).await?;
    let kept = report(host, &scan).await?;
    let adoption = adoption(host, &scan)?;
    let new = by_operator(scan.request.clone(), Some(scan.id.clone()), Some(adoption));
    let folder = host.folder(&new.id);
    let made = folder.clone();
    let copying = host.tasks.spawn_blocking(move || copy_report(&kept, &folder));
    let copied = copying.await.map_err(|error| Refusal::internal("copying the report", &error))?;
    copied.map_err(|error| Refusal::internal("copying the report", &error))?;
    match host.remote_scans.adopt(new).await {
        Ok(Some(new)) => {
            tracing::info!(scan = %new.id, trace = %new.trace, retry_of = %scan.id, "an operator has a kept report read again");
            Ok(Reply { task_id: new.id.to_string(), retry_of: scan.id.to_string() })
        }
        // The scan may have been stored although its answer was lost, so its files stay.
        Err(error) => Err(error.into()),
        Ok(None) => {
            let _gone = fs::remove_dir_all(made);
            Err(Refusal::new(ErrorCode::Conflict, "the new scan's id is taken", "Try again."))
        }
    }
}

fn adoption(host: &Host, scan: &Scan) -> Result<Adoption, Refusal> {
    let run = match &scan.state {
        ScanState::Finished(finished) => finished.run.as_ref(),
        ScanState::Queued(_) | ScanState::Running(_) => None,
    };
    let run = run.ok_or_else(|| {
        Refusal::new(ErrorCode::Conflict, "the scan never ran at a scanner", "Submit it again as a new scan.")
    })?;
    let snapshot = host.snapshot.load_full();
    let scanner = snapshot.scanner(&run.slot.scanner).ok_or_else(|| {
        let message = format!("the scanner {}, whose backend reads the report, is not configured", run.slot.scanner);
        Refusal::new(ErrorCode::Conflict, message, "Configure it again; it may be disabled.")
    })?;
    let remote_id = run.remote_id.clone().ok_or_else(|| {
        Refusal::new(ErrorCode::Conflict, "the scan was never made at its scanner", "Submit it again as a new scan.")
    })?;
    let plugin_state = Vec::new();
    Ok(Adoption { slot: scanner.slot(), remote_id, plugin_state, from: AdoptedFrom::Report })
}

/// Puts the report into the new scan's folder, without a copy of its bytes where the file system can do that.
fn copy_report(kept: &Path, folder: &Path) -> io::Result<()> {
    let name = kept.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    fs::create_dir_all(folder)?;
    let to = folder.join(name);
    fs::hard_link(kept, &to).or_else(|_| fs::copy(kept, &to).map(drop))
}
