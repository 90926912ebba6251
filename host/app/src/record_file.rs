//! Writes `task.json` into a scan's folder. It is the final record for people, and the host never reads it.

use std::fs;

use scanhost_domain::{
    error_chain::chain,
    scan::{Scan, ScanState},
};
use scanhost_system::atomic;
use serde_json::json;

use crate::{
    host::Host,
    reply::{SettingsReply, StatusReply},
    scan_folder,
};

const FILE_NAME: &str = "task.json";

/// Writes the record, unless the scan was deleted in the meantime. A failure is only logged, since the store has the
/// authoritative state.
pub async fn write(host: &Host, scan: &Scan) {
    if let Err(error) = host.check_folder().await {
        tracing::warn!(scan = %scan.id, trace = %scan.trace, error = chain(&error), "task.json cannot be written");
        return;
    }
    let plugin = match &scan.state {
        ScanState::Finished(finished) => finished.run.as_ref().map(|run| &run.slot.plugin),
        ScanState::Queued(_) | ScanState::Running(_) => None,
    };
    let record = json!({
        "status": StatusReply::new(scan, None),
        "request": SettingsReply::new(scan),
        "plugin": plugin.map(|plugin| json!({ "version": plugin.version, "sha256": plugin.digest })),
    });
    let folder = host.folder(&scan.id);
    let bytes = serde_json::to_vec_pretty(&record).expect("JSON is always JSON");
    let write = || atomic::write(&folder.join(FILE_NAME), &bytes);
    let written = if folder.exists() {
        // The folder is not created here: if it is removed at this moment, the scan is being deleted.
        write()
    } else {
        scan_folder::writing_anew(host, &scan.id, || fs::create_dir_all(&folder).and_then(|()| write())).await
    };
    if let Err(error) = written {
        tracing::warn!(scan = %scan.id, trace = %scan.trace, error = chain(&error), "task.json cannot be written; the scan itself is stored");
    }
}
