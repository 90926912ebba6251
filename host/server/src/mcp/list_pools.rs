//! `list_pools`: the pools of scanners.

use scanhost_app::pools::list::{Args, list};
use scanhost_config::Scope;

use super::{
    nature::Nature,
    tool::{About, Row, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = About {
        name: "list_pools",
        title: "List pools",
        description: "Lists the pools of scanners with their queues, and which one is used by default. Use it to choose a \
            scanner_pool. Example: {}",
        toolset: Toolset::Scanners,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    structured(about, |call, Args {}| async move { list(&call.host).await })
}
