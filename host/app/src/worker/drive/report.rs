//! The end of a scan: its report comes in and is read.

use std::time::Duration;

use scanhost_domain::{
    error_chain::chain,
    ids::TaskId,
    scan::{Failure, FailureCode, Outcome, Phase, with_hints},
};
use scanhost_outbound::egress::Placeholders;
use scanhost_results::{FindingsWriter, IngestError, ingest_in_background};
use scanhost_sandbox::{ExportStep, Fault, ParseFailure};
use scanhost_store::Change;
use scanhost_system::{disk, failpoint, held_folder::remedy, pace::paced};
use tokio::time::Instant;

use super::{Driver, End};
use crate::{
    trouble::Cure,
    worker::files::{self, Arriving},
};

/// Reports that came whole and could not be read.
const MAX_FETCHES: u8 = 2;

/// Export steps that fail one after the other before the export begins anew.
const STUBBORN_EXPORT: u32 = 3;

/// How long a scanner may prepare a report before it is asked for it again.
const ORDER_TIME: Duration = Duration::from_secs(1_800);

/// How often a report is asked for, each time for [`ORDER_TIME`], before the scan fails.
const MAX_ORDERS: u32 = 3;

/// Between two looks at an export, whatever the plugin says.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

impl Driver {
    /// Gets the report, step by step.
    pub(super) async fn export(&mut self, remote_id: String, fetches: u8) -> Result<(), End> {
        // Nothing is written into a folder that was put in the place of ours.
        self.host.check_folder().await.map_err(|_| End::NoFolder)?;
        let folder = self.host.folder(&self.scan.id);
        let extension = self.backend.description().report_extension.clone();
        let arriving = Arriving::new(&folder, &extension, self.running.fence).map_err(disk_failure)?;
        let mut cursor: Option<String> = None;
        let mut failures: u32 = 0;
        let (mut ordered_at, mut orders) = (Instant::now(), 1);
        arriving.truncate(0).map_err(disk_failure)?;
        loop {
            let before = arriving.length().map_err(disk_failure)?;
            let writer = arriving.writer().map_err(disk_failure)?;
            let reach = self.reach(Placeholders::default(), true);
            let step = self.backend.export_report(reach, writer, self.context(), &remote_id, cursor.as_deref());
            // That this disk is full is no fault of the scanner's.
            let step = async {
                let answer = step.await;
                if arriving.met_full_disk() { Ok(Ok(None)) } else { answer.map(|answer| answer.map(Some)) }
            };
            match self.judged("scanner.export", step).await {
                Ok(None) => return Err(End::NoFolder),
                Ok(Some(ExportStep::Done)) => break,
                Ok(Some(ExportStep::Pending { .. })) if ordered_at.elapsed() > paced(ORDER_TIME) => {
                    if orders == MAX_ORDERS {
                        return Err(stuck(&self.scan.id).into());
                    }
                    (ordered_at, orders, cursor) = (Instant::now(), orders + 1, None);
                    arriving.truncate(0).map_err(disk_failure)?;
                    let reason = "the scanner has not finished preparing the report, so it was asked for it again";
                    tracing::warn!(scan = %self.scan.id, trace = %self.scan.trace, orders, reason, "ordering the report again");
                    self.store(Change::Retry(reason.to_owned())).await?;
                }
                Ok(Some(ExportStep::Pending { cursor: next, retry_after })) => {
                    cursor = Some(next);
                    self.in_phase.contradictions = 0;
                    // Not a sign that the download will work: failures are counted over all of them.
                    if self.running.trouble.is_some() && orders == 1 {
                        self.store(Change::CallWorked).await?;
                    }
                    self.pause(retry_after.clamp(SHORTEST_WAIT, self.limits.poll.max(SHORTEST_WAIT))).await?;
                }
                Err(trouble) => {
                    failures += u32::from(matches!(trouble.cure, Cure::Retry(_)));
                    self.in_phase.failures_in_a_row = self.in_phase.failures_in_a_row.max(failures.saturating_sub(1));
                    if failures > 0 && failures.is_multiple_of(STUBBORN_EXPORT) {
                        cursor = None;
                    }
                    // What the failed step had written would be there twice.
                    let kept = if cursor.is_some() { before } else { 0 };
                    arriving.truncate(kept).map_err(disk_failure)?;
                    self.endure_reading(trouble).await?;
                }
            }
        }
        let size = arriving.complete().map_err(disk_failure)?;
        self.host.metrics.received_report(size);
        self.enter(Phase::Ingesting { remote_id, fetches }, None).await
    }

    /// Reads the report: findings first, then the state, so that a completed scan always has something to read.
    pub(super) async fn ingest(&mut self, remote_id: String, fetches: u8) -> Result<(), End> {
        self.host.check_folder().await.map_err(|_| End::NoFolder)?;
        let folder = self.host.folder(&self.scan.id);
        let path = files::whole(&folder, &self.backend.description().report_extension);
        let (backend, scan_type, log) = (self.backend.clone(), self.scan.request.scan_type, self.log());
        let span = tracing::Span::current();
        let working = self.mark.work().await;
        // Reading keeps a core busy for as long as it takes: not on a thread that others need.
        let reading = self.host.tasks.spawn_blocking(move || {
            let (_entered, _working) = (span.entered(), working);
            failpoint::reach("scanner.parse", "before");
            // Nobody else reads the report of a scan that runs.
            FindingsWriter::discard_unfinished(&folder).map_err(disk_failure)?;
            let read = ingest_in_background(&backend, &path, &folder, Some(scan_type), Some(Box::new(log)));
            failpoint::reach("scanner.parse", "after");
            match read {
                Ok(summary) => Ok(Ok(summary)),
                Err(IngestError::Malformed(malformed)) => Ok(Err(Unread::Malformed(malformed))),
                Err(IngestError::Backend(fault)) => Ok(Err(Unread::Fault(fault))),
                Err(error @ (IngestError::Report(_) | IngestError::Findings(_))) => {
                    Err(disk_failure(std::io::Error::other(error)))
                }
            }
        });
        let read: Result<Result<_, Unread>, End> = reading
            .await
            .map_err(|_| Failure { code: FailureCode::Plugin, message: "reading the report crashed".into() })?;
        match read? {
            Ok(summary) => {
                self.host.metrics.ingested(summary.total_vulnerabilities);
                Err(End::Outcome(Outcome::Completed(with_hints(summary, &self.scan.request))))
            }
            Err(Unread::Fault(fault)) => self.endure(fault.into()).await,
            Err(Unread::Malformed(malformed)) if fetches.saturating_add(1) < MAX_FETCHES => {
                tracing::warn!(scan = %self.scan.id, trace = %self.scan.trace, error = %malformed, "the report cannot be read, fetching it again");
                self.enter(Phase::Exporting { remote_id, fetches: fetches + 1 }, None).await
            }
            Err(Unread::Malformed(malformed)) => {
                Err(Failure { code: FailureCode::BadReport, message: malformed.to_string() }.into())
            }
        }
    }
}

/// The scanner prepares the report and never finishes.
fn stuck(id: &TaskId) -> Failure {
    let minutes = ORDER_TIME.as_secs() / 60;
    let message = format!(
        "the scanner was asked for the report {MAX_ORDERS} times and prepared it for {minutes} minutes each without \
         finishing; once it works again, `scanhost dlq retry {id}` fetches the report without scanning again"
    );
    Failure { code: FailureCode::ExportStuck, message }
}

/// Why a report was not read.
enum Unread {
    Malformed(ParseFailure),
    Fault(Fault),
}

/// Not the scanner's fault, and nothing that another try soon would change.
fn disk_failure(error: std::io::Error) -> End {
    tracing::error!(error = chain(&error), "a scan's files cannot be used");
    if disk::is_full(&error) {
        return End::NoFolder;
    }
    let message = format!("this host cannot use its files: {}; {}", error.kind(), remedy(&error));
    Failure { code: FailureCode::Host, message }.into()
}
