//! `cancel_scan`: ends a scan early.

use scanhost_app::scans::{ScanArgs, cancel::cancel};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    tool::{Row, ToolInfo, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "cancel_scan",
        title: "Cancel a scan",
        description: "Ends a scan early: a queued scan at once, a running scan as soon as the host has told its \
            scanner to stop it (wait_for_scan shows when). The scan's record is kept, but there are no results. To \
            remove the record too, use delete_scan. Example: {\"task_id\": \"01K…\"}",
        toolset: Toolset::Scan,
        scope: Scope::Submit,
        effect: Effect::Destroys,
        without: &[],
    };
    structured(about, |call, args: ScanArgs| async move { cancel(&call.host, &args.task_id).await })
}
