//! What has changed from one scan to another.

use std::{collections::BTreeSet, sync::Arc};

use scanhost_domain::{scan::Scan, target::Targets};
use scanhost_results::{ChangeCounts, Changes, Comparison, ComparisonPage, FindingIndex, Report, ReportError, Resume};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    find,
    host::Host,
    housekeeping::accessed,
    refusal::Refusal,
    reports::{self, Unusable, permit_results},
};

/// The largest number of findings per list; an answer has four lists.
const MOST: usize = 50;

#[derive(Deserialize, JsonSchema)]
pub struct Args {
    /// the earlier scan
    pub baseline_task_id: String,
    /// the later scan
    pub task_id: String,
    /// findings per list, 1 to 50
    #[serde(default = "usual_limit")]
    pub limit: usize,
    /// findings to skip at the start of each list, as `resume` says
    #[serde(default)]
    pub skip: usize,
}

fn usual_limit() -> usize {
    10
}

#[derive(Serialize, JsonSchema)]
pub struct Reply {
    baseline_task_id: String,
    task_id: String,
    /// trace id of the later scan
    trace_id: String,
    /// why the two scans are hard to compare
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    pub counts: ChangeCounts,
    #[serde(flatten)]
    pub changes: Changes,
    /// present if a list goes on: the arguments for the next part of each
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// Compares the findings of two completed scans.
pub async fn compare(host: &Arc<Host>, args: Args) -> Result<Reply, Refusal> {
    let baseline = find::scan(host, &args.baseline_task_id).await?;
    let current = find::scan(host, &args.task_id).await?;
    for scan in [&baseline, &current] {
        permit_results(scan)?;
        accessed(host, &scan.id).await;
    }
    let page = ComparisonPage { skip: args.skip, limit: args.limit.clamp(1, MOST) };
    let before = with_report(host, &baseline, FindingIndex::of).await?;
    let after = with_report(host, &current, FindingIndex::of).await?;
    let comparison = Arc::new(Comparison::new(&before, &after, page));
    let mut changes = {
        let comparison = comparison.clone();
        with_report(host, &current, move |report| comparison.read_current(report)).await?
    };
    let gone = comparison.clone();
    changes.gone = with_report(host, &baseline, move |report| gone.read_gone(report)).await?;
    Ok(Reply {
        baseline_task_id: baseline.id.to_string(),
        task_id: current.id.to_string(),
        trace_id: current.trace.to_string(),
        warnings: warnings(&baseline, &current),
        counts: comparison.counts.clone(),
        changes,
        resume: comparison.resume,
    })
}

/// Warns if the two scans differ in targets or type, which the lists cannot show.
fn warnings(baseline: &Scan, current: &Scan) -> Vec<String> {
    let targets = |scan: &Scan| -> BTreeSet<String> {
        let targets = Targets::parse(&scan.request.targets);
        targets.map(|targets| targets.iter().map(ToString::to_string).collect()).unwrap_or_default()
    };
    let mut warnings = Vec::new();
    if baseline.id == current.id {
        warnings.push("both ids name the same scan".to_owned());
    }
    if targets(baseline) != targets(current) {
        let what = "the targets differ: where only one of the scans had a target, its findings count as new or gone";
        warnings.push(what.to_owned());
    }
    let types = [baseline, current].map(|scan| scan.request.scan_type.name());
    if types[0] != types[1] {
        warnings.push(format!(
            "the baseline scan is {} and the later scan is {}: a scan with a login finds more",
            types[0], types[1]
        ));
    }
    warnings
}

/// Asks one report at a time, so that it is clear which of them is damaged where one is.
async fn with_report<T: Send + 'static>(
    host: &Arc<Host>,
    scan: &Scan,
    read: impl Fn(&Report) -> Result<T, ReportError> + Clone + Send + 'static,
) -> Result<T, Refusal> {
    reports::ask(host, scan, |report| {
        let (host, read) = (host.clone(), read.clone());
        async move {
            let reading = host.tasks.spawn_blocking(move || read(&report));
            let answer = reading.await.map_err(|error| Refusal::internal("reading the findings", &error))?;
            answer.map_err(Unusable::from)
        }
    })
    .await
}
