//! `get_scan_status`: where a scan stands.

use scanhost_app::{find, reply::StatusReply};
use scanhost_config::Scope;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    hint,
    nature::Nature,
    tool::{About, Answer, Row, answering},
    toolset::Toolset,
};

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// from run_…_scan or list_scans
    task_id: String,
}

pub fn row() -> Row {
    let about = About {
        name: "get_scan_status",
        title: "Status of a scan",
        description: "Tells where a scan stands: queued (with its place), running (with progress in percent), completed \
            (with a summary of what it found), failed or timeout (with the reason), cancelled. Use wait_for_scan to be \
            told when it ends instead of asking again and again. Example: {\"task_id\": \"01K…\"}",
        toolset: Toolset::Scan,
        scope: Scope::Read,
        nature: Nature::Reads,
        without: &[],
    };
    answering(about, |call, args: Args| async move {
        let scan = find::scan(&call.host, &args.task_id).await?;
        let position = call.host.store.position(&scan).await?;
        Ok(Answer::With(StatusReply::new(&scan, position), hint::after_status(&scan)))
    })
}
