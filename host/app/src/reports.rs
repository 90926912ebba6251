//! The reports that are open, and how one comes back whose findings are damaged: it is read again, once, from the
//! scanner's own file.

use std::sync::Arc;

use scanhost_domain::{
    error_chain::chain,
    ids::TaskId,
    scan::{Scan, ScanState, Status},
};
use scanhost_results::{Identity, Report, ReportError, ingest_in_background, rows::ShapeError};

use crate::{
    find,
    host::Host,
    refusal::{ErrorCode, Refusal},
};

/// Why a report could not be used.
pub enum Unusable {
    /// Its findings are not what was written.
    Damaged(String),
    Refused(Refusal),
}

impl From<Refusal> for Unusable {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ReportError> for Unusable {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Damaged(what) => Self::Damaged(what),
            ReportError::Io(_) => Self::Refused(Refusal::internal("reading the scan's findings", &error)),
        }
    }
}

impl From<ShapeError> for Unusable {
    fn from(error: ShapeError) -> Self {
        Self::Refused(error.into())
    }
}

/// Asks `question` about the scan's findings. Damaged findings are read again from the native report, and then
/// `question` is asked once more.
pub async fn ask<T, Answering: Future<Output = Result<T, Unusable>>>(
    host: &Arc<Host>,
    scan: &Scan,
    question: impl Fn(Arc<Report>) -> Answering,
) -> Result<T, Refusal> {
    permit_results(scan)?;
    let mut is_rebuilt = false;
    loop {
        let seen = identity(host, &scan.id)?;
        let answer = match open(host, &scan.id, seen).await {
            Ok(Some(report)) => question(report).await,
            Ok(None) => Err(Unusable::Damaged("their files are missing".into())),
            Err(unusable) => Err(unusable),
        };
        match answer {
            Ok(answer) => return Ok(answer),
            Err(Unusable::Refused(refusal)) => return Err(refusal),
            Err(Unusable::Damaged(what)) if is_rebuilt => {
                return Err(Refusal::internal("reading the scan's findings", &ReportError::Damaged(what)));
            }
            Err(Unusable::Damaged(what)) => {
                // Or deleted meanwhile.
                find::scan(host, scan.id.as_str()).await?;
                is_rebuilt = true;
                tracing::warn!(scan = %scan.id, trace = %scan.trace, what, "the scan's findings are damaged");
                // A task of its own, so that a client that goes away leaves nothing half done.
                let rebuilding = host.tasks.spawn(rebuild(host.clone(), scan.clone(), seen));
                rebuilding.await.map_err(|error| Refusal::internal("reading the report again", &error))??;
            }
        }
    }
}

/// Checks that the scan has results.
pub fn permit_results(scan: &Scan) -> Result<(), Refusal> {
    match scan.status() {
        Status::Completed => Ok(()),
        Status::Queued | Status::Running => Err(Refusal::new(
            ErrorCode::NotReady,
            format!("the scan {} is {}: it has no results yet", scan.id, scan.status()),
            format!("Call wait_for_scan {{\"task_id\": \"{}\"}} first.", scan.id),
        )),
        Status::Failed | Status::Timeout | Status::Cancelled => Err(Refusal::new(
            ErrorCode::Conflict,
            format!("the scan {} ended as {}, without results", scan.id, scan.status()),
            "get_scan_status says why; to get results, submit the scan again.",
        )),
    }
}

fn identity(host: &Host, id: &TaskId) -> Result<Option<Identity>, Refusal> {
    Identity::of(&host.folder(id)).map_err(|error| Refusal::internal("looking for the scan's findings", &error))
}

async fn open(host: &Arc<Host>, id: &TaskId, seen: Option<Identity>) -> Result<Option<Arc<Report>>, Unusable> {
    let Some(seen) = seen else { return Ok(None) };
    if let Some(report) = host.reports.find(id, seen) {
        return Ok(Some(report));
    }
    let folder = host.folder(id);
    let opening = host.tasks.spawn_blocking(move || Report::open(&folder));
    let opened = opening.await.map_err(|error| Refusal::internal("opening the scan's findings", &error))?;
    let Some(report) = opened?.map(Arc::new) else { return Ok(None) };
    host.reports.keep(id, report.clone());
    Ok(Some(report))
}

/// Reads the report again, unless somebody else did since the findings were `seen`.
async fn rebuild(host: Arc<Host>, scan: Scan, seen: Option<Identity>) -> Result<(), Refusal> {
    let guard = host.reports.guard(&scan.id);
    let _one_at_a_time = guard.lock().await;
    let _permit = host.reports.rebuilding.acquire().await;
    if identity(&host, &scan.id)? != seen {
        return Ok(());
    }
    let gone = |what: &str| {
        let message = format!("the scan's findings are damaged, and {what}");
        Refusal::new(ErrorCode::Internal, message, "Tell the operator, or submit the scan again.")
    };
    let native = host.native_report(&scan.id).ok_or_else(|| gone("the report that they were read from is gone"))?;
    let backend = match &scan.state {
        ScanState::Finished(finished) => finished.run.as_ref().map(|run| run.slot.backend.clone()),
        ScanState::Queued(_) | ScanState::Running(_) => None,
    };
    let backend = backend.and_then(|name| host.snapshot.load().backends.get(&name).cloned());
    let backend = backend.ok_or_else(|| gone("the backend that can read its report is not loaded"))?;
    let (folder, scan_type) = (host.folder(&scan.id), scan.request.scan_type);
    let reading =
        host.tasks.spawn_blocking(move || ingest_in_background(&backend, &native, &folder, Some(scan_type), None));
    let read = reading.await.map_err(|error| Refusal::internal("reading the report again", &error))?;
    read.map_err(|error| {
        tracing::error!(scan = %scan.id, error = chain(&error), "the report cannot be read again");
        gone("the report that they were read from cannot be read any more")
    })?;
    host.metrics.rebuilt_report();
    tracing::warn!(scan = %scan.id, trace = %scan.trace, "findings rebuilt from the native report");
    Ok(())
}
