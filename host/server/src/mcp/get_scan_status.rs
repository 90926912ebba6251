//! `get_scan_status`: where a scan stands.

use scanhost_app::scans::{ScanArgs, status::status};
use scanhost_config::Scope;

use super::{
    hint,
    nature::Nature,
    tool::{About, Answer, Row, answering},
    toolset::Toolset,
};

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
    answering(about, |call, args: ScanArgs| async move {
        let (scan, reply) = status(&call.host, &args).await?;
        Ok(Answer::With(reply, hint::after_status(&scan)))
    })
}
