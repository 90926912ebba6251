//! The request of a scan as it is stored.

use super::scan_args::ScanArgs;
use crate::{find, host::Host, refusal::Refusal, reply::SettingsReply};

/// The settings, with secrets masked.
pub async fn settings(host: &Host, args: &ScanArgs) -> Result<SettingsReply, Refusal> {
    Ok(SettingsReply::new(&find::scan(host, &args.task_id).await?))
}
