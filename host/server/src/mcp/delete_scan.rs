//! `delete_scan`: removes a scan's record, findings and report.

use scanhost_app::scans::delete::{Args, delete};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    tool::{Row, ToolInfo, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "delete_scan",
        title: "Delete a scan",
        description: "Permanently removes a scan with its findings and report from this server. A queued scan \
            leaves its queue; a running one needs force: true and is stopped first. To end a scan and keep its \
            record, use cancel_scan. Example: {\"task_id\": \"01K…\", \"force\": false}",
        toolset: Toolset::Scan,
        scope: Scope::Submit,
        effect: Effect::Destroys,
        without: &[],
    };
    structured(about, |call, args: Args| async move { delete(&call.host, args).await })
}
