//! `get_pool_status`: how busy a pool is.

use scanhost_app::pools::status::{Args, status};
use scanhost_config::Scope;

use super::{
    nature::Nature,
    tool::{About, Row, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = About {
        name: "get_pool_status",
        title: "Status of a pool",
        description: "Tells how many scans a pool can run at once, how many it runs, and how many wait. Use it to see \
            whether a scan will start soon; for the waiting scans themselves use get_queue_status. \
            Example: {\"scanner_pool\": \"nessus\"}",
        toolset: Toolset::Queue,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    structured(about, |call, args: Args| async move { status(&call.host, args).await })
}
