//! `list_scanners`: the scanners and how they are.

use scanhost_app::scanner_list::{Args, list};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    tool::{Row, ToolInfo, structured},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "list_scanners",
        title: "List scanners",
        description: "Lists the scanners with their pool, whether they are enabled and up, and how busy they are. \
            Use it to choose a scanner_instance, or to see why scans do not start. No credentials are shown. \
            Example: {}",
        toolset: Toolset::Scanners,
        scope: Scope::Read,
        effect: Effect::Reads,
        without: &[],
    };
    structured(about, |call, args: Args| async move { list(&call.host, args).await })
}
