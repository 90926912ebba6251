//! The status of a scan.

use scanhost_domain::scan::Scan;

use super::scan_args::ScanArgs;
use crate::{find, host::Host, refusal::Refusal, reply::StatusReply};

/// The scan, and its status for the caller.
pub async fn status(host: &Host, args: &ScanArgs) -> Result<(Scan, StatusReply), Refusal> {
    let scan = find::scan(host, &args.task_id).await?;
    let position = host.scans.position(&scan).await?;
    let reply = StatusReply::new(&scan, position);
    Ok((scan, reply))
}
