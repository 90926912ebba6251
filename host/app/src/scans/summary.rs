//! The summary of a scan.

use std::sync::Arc;

use scanhost_results::Highlights;
use schemars::JsonSchema;
use serde::Serialize;

use super::scan_args::ScanArgs;
use crate::{
    find,
    host::Host,
    housekeeping::accessed,
    refusal::Refusal,
    reply::CountsReply,
    reports::{self, Unusable, permit_results},
};

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    pub task_id: String,
    pub trace_id: String,
    pub scan_name: String,
    pub hosts_scanned: u32,
    pub total_vulnerabilities: u64,
    pub severity_counts: CountsReply,
    /// success, partial, failed, unknown or not_applicable
    pub authentication_status: &'static str,
    #[serde(flatten)]
    pub highlights: Highlights,
}

/// Counts, worst vulnerabilities and worst hosts of a completed scan.
pub async fn summary(host: &Arc<Host>, args: &ScanArgs) -> Result<Reply, Refusal> {
    let scan = find::scan(host, &args.task_id).await?;
    permit_results(&scan)?;
    accessed(host, &scan.id).await;
    let (id, trace, name) = (&scan.id, &scan.trace, &scan.request.name);
    reports::ask(host, &scan, |report| async move {
        let reading = host.tasks.spawn_blocking(move || {
            let highlights = Highlights::of(&report)?;
            Ok::<_, Unusable>((report.meta().summary(), highlights))
        });
        let (summary, highlights) =
            reading.await.map_err(|error| Refusal::internal("reading the findings", &error))??;
        Ok(Reply {
            task_id: id.to_string(),
            trace_id: trace.to_string(),
            scan_name: name.clone(),
            hosts_scanned: summary.hosts_scanned,
            total_vulnerabilities: summary.total_vulnerabilities,
            severity_counts: summary.severity_counts.into(),
            authentication_status: summary.authentication.name(),
            highlights,
        })
    })
    .await
}
