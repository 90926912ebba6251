//! `get_queue_status`: what waits in a pool.

use scanhost_app::pools::queue::{Args, queue};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    tool::{Row, ToolInfo, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "get_queue_status",
        title: "Queue of a pool",
        description: "Shows how many scans are queued in a pool, how long they have waited, and which come next. \
            Use it when a scan stays queued; for how busy the scanners are, use get_pool_status. Example: \
            {\"scanner_pool\": \"nessus\"}",
        toolset: Toolset::Queue,
        scope: Scope::Read,
        effect: Effect::Reads,
        without: &[],
    };
    structured(about, |call, args: Args| async move { queue(&call.host, args).await })
}
