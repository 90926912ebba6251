//! `get_scan_status`: where a scan stands.

use scanhost_app::scans::{ScanArgs, status::status};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    hint,
    tool::{Row, ToolAnswer, ToolInfo, answering},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "get_scan_status",
        title: "Status of a scan",
        description: "Shows the status of a scan: queued (with its position), running (with progress in percent), \
            completed (with a summary of what it found), failed or timeout (with the reason), cancelled. To learn \
            when it ends, use wait_for_scan instead of polling. Example: {\"task_id\": \"01K…\"}",
        toolset: Toolset::Scan,
        scope: Scope::Read,
        effect: Effect::Reads,
        without: &[],
    };
    answering(about, |call, args: ScanArgs| async move {
        let (scan, reply) = status(&call.host, &args).await?;
        Ok(ToolAnswer::With(reply, hint::after_status(&scan)))
    })
}
