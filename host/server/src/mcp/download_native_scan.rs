//! `download_native_scan`: where the scanner's own report is.

use rmcp::model::{ContentBlock, Resource};
use scanhost_app::scans::{ScanArgs, native_report::native_report};
use scanhost_config::Scope;

use super::{
    effect::Effect,
    tool::{Row, ToolAnswer, ToolInfo, answering},
    toolset::Toolset,
};

pub fn row() -> Row {
    let about = ToolInfo {
        name: "download_native_scan",
        title: "Native report of a scan",
        description: "Shows where the scanner's own report file is (.nessus XML for Nessus), as it was downloaded: \
            its path on the server, size and SHA-256, and a resource link. To read findings, use get_scan_results: \
            its answers are smaller and can be filtered. A report that the host could not read is kept, and is \
            available here too. Example: {\"task_id\": \"01K…\"}",
        toolset: Toolset::Results,
        scope: Scope::Read,
        effect: Effect::Reads,
        without: &[],
    };
    answering(about, |call, args: ScanArgs| async move {
        let file = native_report(&call.host, &args).await?;
        let link =
            ContentBlock::resource_link(Resource::new(file.reply.uri.clone(), file.name).with_size(file.reply.size));
        Ok(ToolAnswer::With(file.reply, link))
    })
}
