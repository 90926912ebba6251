//! `get_scan_settings`: the request as stored.

use scanhost_app::scans::{ScanArgs, settings::settings};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    tool::{Row, ToolInfo, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "get_scan_settings",
        title: "Settings of a scan",
        description: "Shows what a scan was asked to do: targets, type, pool, profile, login; secrets are shown as \
            ***. Use it to repeat a scan or to explain a result; for the scan's progress, use get_scan_status. \
            Example: {\"task_id\": \"01K…\"}",
        toolset: Toolset::Scan,
        scope: Scope::Read,
        effect: Effect::Reads,
        without: &[],
    };
    structured(about, |call, args: ScanArgs| async move { settings(&call.host, &args).await })
}
