//! `get_queue_status`: what waits in a pool.

use scanhost_app::pools::queue::{Args, queue};
use scanhost_config::Scope;

use super::{
    nature::Nature,
    tool::{About, Row, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = About {
        name: "get_queue_status",
        title: "Queue of a pool",
        description: "Tells how many scans wait in a pool, for how long, and which come next. Use it when a scan stays \
            queued; for how busy the scanners are use get_pool_status. Example: {\"scanner_pool\": \"nessus\"}",
        toolset: Toolset::Queue,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    structured(about, |call, args: Args| async move { queue(&call.host, args).await })
}
