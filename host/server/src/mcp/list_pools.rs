//! `list_pools`: the pools of scanners.

use scanhost_app::pools::list::{Args, list};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    tool::{Row, ToolInfo, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "list_pools",
        title: "List pools",
        description: "Lists the pools of scanners with their queues, and the default pool. Use it to choose a \
            scanner_pool. Example: {}",
        toolset: Toolset::Scanners,
        scope: Scope::Read,
        effect: Effect::Reads,
        without: &[],
    };
    structured(about, |call, Args {}| async move { list(&call.host).await })
}
