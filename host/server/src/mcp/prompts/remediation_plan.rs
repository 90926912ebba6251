//! `remediation_plan`: who has to do what, in which order.

use std::sync::Arc;

use rmcp::model::{PromptMessage, Role};
use scanhost_app::{host::Host, refusal::Refusal};

use super::{
    row::PromptRow,
    subject::{Subject, UNTRUSTED},
};

const FIELDS: [&str; 9] = [
    "host",
    "port",
    "plugin_id",
    "plugin_name",
    "plugin_family",
    "severity",
    "cvss_score",
    "exploit_available",
    "solution",
];

pub const ROW: PromptRow = PromptRow {
    name: "remediation_plan",
    title: "Plan remediation",
    description: "Turn a scan's findings into a work plan: one step per fix, the most helpful first",
    arguments: &[("task_id", "the id of a completed scan")],
    write: |host, arguments| Box::pin(async move { write(&host, &arguments[0]).await }),
};

async fn write(host: &Arc<Host>, task_id: &str) -> Result<Vec<PromptMessage>, Refusal> {
    let subject = Subject::find(host, task_id).await?;
    let (standing, id, worst) = (subject.standing(), subject.id(), subject.worst());
    let text = format!(
        "Plan the remediation of a vulnerability scan.\n\n{standing}\n\n\
         1. Start from the attached findings. If there are more, get the next pages with get_scan_results and \
         {{\"task_id\": \"{id}\", \"filters\": {{\"severity\": \"{worst}\"}}, \"custom_fields\": [\"host\", \
         \"plugin_id\", \"severity\", \"solution\"], \"page\": 2}}.\n\
         2. Group findings that one piece of work fixes: the same package, the same setting, the same host to be \
         replaced. Where a finding has no solution, say so and propose how to find one.\n\
         3. Order the groups by how much risk their fix removes for the work it takes: exploitable and critical \
         findings first, then those that most hosts share.\n\
         4. Answer with one step for each group: what to do, on which hosts, which plugin_ids it resolves, what may \
         break, and how to check that it worked (a run_… scan of those hosts, then the prompt compare_scans with \
         baseline_task_id \"{id}\").\n\
         5. Propose only. Change nothing and start no scan until the person that you work for agrees.\n\n{UNTRUSTED}"
    );
    let mut messages = vec![PromptMessage::new_text(Role::User, text), subject.status().await?];
    if subject.is_completed() {
        messages.push(subject.findings(&FIELDS).await?);
    }
    Ok(messages)
}
