//! `compare_scans`: what has changed between two scans.

use std::sync::Arc;

use rmcp::model::{PromptMessage, Role};
use scanhost_app::{host::Host, refusal::Refusal};

use super::{
    row::PromptRow,
    subject::{Subject, UNTRUSTED},
};

pub const ROW: PromptRow = PromptRow {
    name: "compare_scans",
    title: "Compare two scans",
    description: "Show what is new, gone and still there since an earlier scan of the same targets",
    arguments: &[
        ("baseline_task_id", "the id of the earlier, completed scan"),
        ("task_id", "the id of the later, completed scan"),
    ],
    write: |host, arguments| Box::pin(async move { write(&host, &arguments[0], &arguments[1]).await }),
};

async fn write(host: &Arc<Host>, baseline: &str, task_id: &str) -> Result<Vec<PromptMessage>, Refusal> {
    let (before, after) = (Subject::find(host, baseline).await?, Subject::find(host, task_id).await?);
    let text = format!(
        "Compare two vulnerability scans: say what has changed.\n\nEarlier: {}\nLater: {}\n\n\
         1. Check in the statuses attached that both scans had the same targets and the same authentication_status; \
         if not, say how that affects the comparison.\n\
         2. Call compare_scans with {{\"baseline_task_id\": \"{}\", \"task_id\": \"{}\"}}: its counts cover all \
             findings; if it has `resume`, the lists go on: call it again with that `skip`. Details of one finding \
             come from get_scan_results with filters on host and plugin_id.\n\
         3. Answer in this order: new findings of severity High and above, with host and plugin_id; findings whose \
         severity has changed; what is gone, and whether that is a fix or a host that did not answer; what is still \
         there although it was to be fixed.\n\
         4. End with one sentence: better, worse or the same, and by which numbers.\n\n{UNTRUSTED}",
        before.standing(),
        after.standing(),
        before.id(),
        after.id(),
    );
    Ok(vec![PromptMessage::new_text(Role::User, text), before.status().await?, after.status().await?])
}
