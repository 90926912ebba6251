//! `list_scans`: the scans that there are, the newest first.

use scanhost_app::scans::list::{Args, list};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    hint,
    tool::{Row, ToolAnswer, ToolInfo, answering},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "list_scans",
        title: "List scans",
        description: "Lists scans, newest first, optionally by status, type, pool or target (an address or CIDR \
            matches by containment and overlap). Use it to find a task_id again, or an earlier scan of the same \
            target. Example: {\"target\": \"10.0.0.5\", \"status\": \"completed\", \"limit\": 5}",
        toolset: Toolset::Scan,
        scope: Scope::Read,
        effect: Effect::Reads,
        without: &[],
    };
    answering(about, |call, args: Args| async move {
        let is_narrowed = args.is_narrowed();
        let reply = list(&call.host, args).await?;
        let is_empty = reply.scans.is_empty();
        Ok(if is_empty { ToolAnswer::With(reply, hint::no_scans(is_narrowed)) } else { ToolAnswer::Reply(reply) })
    })
}
