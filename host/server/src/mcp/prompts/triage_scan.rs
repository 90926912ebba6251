//! `triage_scan`: what to fix first.

use std::sync::Arc;

use rmcp::model::{PromptMessage, Role};
use scanhost_app::{host::Host, refusal::Refusal};

use super::{
    row::PromptRow,
    subject::{Subject, UNTRUSTED},
};

const FIELDS: [&str; 8] =
    ["host", "port", "plugin_id", "plugin_name", "severity", "cvss_score", "exploit_available", "cve"];

pub const ROW: PromptRow = PromptRow {
    name: "triage_scan",
    title: "Triage a scan",
    description: "Find out which findings of a scan to fix first, and why",
    arguments: &[("task_id", "the id of a completed scan")],
    write: |host, arguments| Box::pin(async move { write(&host, &arguments[0]).await }),
};

async fn write(host: &Arc<Host>, task_id: &str) -> Result<Vec<PromptMessage>, Refusal> {
    let subject = Subject::find(host, task_id).await?;
    let (standing, id, worst) = (subject.standing(), subject.id(), subject.worst());
    let text = format!(
        "Triage a vulnerability scan: say what to fix first.\n\n{standing}\n\n\
         1. Start from the attached findings. If there are more, call get_scan_results with {{\"task_id\": \"{id}\", \
         \"schema_profile\": \"triage\"}}, one row for each vulnerability, or get the next pages with {{\"task_id\": \
         \"{id}\", \"filters\": {{\"severity\": \"{worst}\"}}, \"page\": 2}}.\n\
         2. Put first the findings with a public exploit (exploit_available) or a CVE known to be exploited, then \
         those with the highest cvss_score, then those that most hosts share.\n\
         3. For the five that you put first, read description, solution and plugin_output: get_scan_results with \
         {{\"task_id\": \"{id}\", \"schema_profile\": \"full\", \"filters\": {{\"plugin_id\": …}}}}.\n\
         4. Where authentication failed or was partial, say that local checks are missing on those hosts.\n\
         5. Answer with a table: rank, what, hosts, why now, how to fix; then what can wait, in one paragraph. Name \
         the plugin_id and host of everything that you claim.\n\n{UNTRUSTED}"
    );
    let mut messages = vec![PromptMessage::new_text(Role::User, text), subject.status().await?];
    if subject.is_completed() {
        messages.push(subject.findings(&FIELDS).await?);
    }
    Ok(messages)
}
