//! `get_pool_status`: how busy a pool is.

use scanhost_app::pools::status::{Args, status};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    tool::{Row, ToolInfo, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "get_pool_status",
        title: "Status of a pool",
        description: "Shows how many scans a pool can run at once, how many it runs, and how many are queued. Use \
            it to see whether a scan will start soon; for the queued scans themselves, use get_queue_status. \
            Example: {\"scanner_pool\": \"nessus\"}",
        toolset: Toolset::Queue,
        scope: Scope::Read,
        effect: Effect::Reads,
        without: &[],
    };
    structured(about, |call, args: Args| async move { status(&call.host, args).await })
}
